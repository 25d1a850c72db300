import { Blocks, Building2, LayoutDashboard, School, type LucideIcon } from 'lucide-react';
import type { EntitlementSnapshot } from '@/core/entitlements.ts';
import type { Messages } from '@/i18n/fr.ts';
import type { Role } from '@/lib/session.ts';

export interface NavItem {
  to: '/tableau-de-bord' | '/ecoles' | '/modules' | '/console/groupes';
  label: keyof Messages['app']['nav'];
  icon: LucideIcon;
  /** A number beside the label, from the live snapshot. */
  count?: (snapshot: EntitlementSnapshot) => number;
}

const DASHBOARD: NavItem = { to: '/tableau-de-bord', label: 'dashboard', icon: LayoutDashboard };
const SCHOOLS: NavItem = {
  to: '/ecoles',
  label: 'schools',
  icon: School,
  count: (snapshot) => snapshot.restrictions.schools.usage,
};
const MODULES: NavItem = {
  to: '/modules',
  label: 'modules',
  icon: Blocks,
  count: (snapshot) => snapshot.modules.length,
};
const GROUPS: NavItem = { to: '/console/groupes', label: 'groups', icon: Building2 };

/** What each role may open, in order; the first is where it starts. */
export const NAVIGATION: Record<Role, readonly [NavItem, ...NavItem[]]> = {
  super_admin: [GROUPS],
  admin_groupe: [DASHBOARD, SCHOOLS, MODULES],
  personnel: [MODULES],
};
