import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  detail?: string;
  /** The way on: a button or a link. */
  action?: ReactNode;
}

/** What a list shows instead of nothing. */
export function EmptyState({ icon: Icon, title, detail, action }: EmptyStateProps) {
  return (
    <div className="grid justify-items-center gap-2 px-6 py-12 text-center">
      <span className="grid size-11 place-items-center rounded-full bg-blue-tint text-blue">
        <Icon aria-hidden className="size-5" />
      </span>
      <p className="font-semibold">{title}</p>
      {detail && <p className="max-w-md text-muted">{detail}</p>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  );
}
