import {
  ArrowRightLeft,
  CheckCircle,
  ClipboardList,
  CreditCard,
  FolderOpen,
  GraduationCap,
  School,
  Users,
  type LucideIcon,
} from 'lucide-react';
import { createElement } from 'react';
import type { NoticeIconName } from './noticeKinds.ts';

/** Apart from the icons of the catalogue, which the first screen does not load. */
const ICONS: Record<NoticeIconName, LucideIcon> = {
  ArrowRightLeft,
  CheckCircle,
  ClipboardList,
  CreditCard,
  FolderOpen,
  GraduationCap,
  School,
  Users,
};

interface NoticeIconProps {
  name: NoticeIconName;
  className: string;
}

/** The icon of a notice; decoration beside its title. */
export function NoticeIcon({ name, className }: NoticeIconProps) {
  return createElement(ICONS[name], { 'aria-hidden': true, className });
}
