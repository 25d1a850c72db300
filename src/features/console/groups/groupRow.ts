import { stateOf } from '@/core/decide.ts';
import { RESOURCES, type Resource } from '@/core/entitlements.ts';
import type { GroupLine } from '@/core/group-rows.ts';

/** A row of `list_school_groups`. */
export interface GroupRow extends GroupLine {
  id: string;
  name: string;
  code: string | null;
  city: string | null;
  department: string | null;
  status: 'active' | 'archived';
}

/** The resources that put a row in its state: those that stand worst, none while all is well. */
export function pressing(row: GroupRow): Resource[] {
  if (row.state === 'ok') return [];
  return RESOURCES.filter((_, index) => {
    return stateOf(row.limits[index] ?? null, row.usage[index] ?? 0, row.warn) === row.state;
  });
}
