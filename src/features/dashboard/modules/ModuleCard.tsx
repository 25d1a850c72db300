import { LockKeyhole } from 'lucide-react';
import { cn } from '@/components/ui/cn.ts';
import { useI18n } from '@/i18n/i18n.ts';
import { ModuleIcon } from './ModuleIcon.tsx';
import type { ListedModule } from './moduleList.ts';

/** One module: open, or locked with the name of the plan that opens it. Told by word, shape and colour. */
export function ModuleCard({ module }: { module: ListedModule }) {
  const { t } = useI18n();
  return (
    <li
      data-module={module.slug}
      data-open={module.open}
      className={cn(
        'flex gap-3 rounded-lg border p-3',
        module.open ? 'border-line bg-card' : 'border-dashed border-field/60 bg-transparent',
      )}
    >
      <span
        className={cn(
          'grid size-8 shrink-0 place-items-center rounded-md',
          module.open ? 'bg-blue-tint text-blue' : 'text-muted',
        )}
      >
        {module.open ? (
          <ModuleIcon name={module.icon} className="size-4.5" />
        ) : (
          <LockKeyhole aria-hidden className="size-4.5" />
        )}
      </span>
      <div className="min-w-0">
        <h3 className={cn('leading-snug font-semibold', !module.open && 'text-muted')}>{module.name}</h3>
        <p className="mt-0.5 text-[0.8125rem] text-muted">{module.description}</p>
        <p className={cn('mt-1 text-[0.8125rem] font-medium', module.open ? 'text-green-ink' : 'text-muted')}>
          {module.open
            ? t.modules.open
            : module.opensWith
              ? t.modules.opensWith(module.opensWith)
              : t.modules.notOffered}
        </p>
      </div>
    </li>
  );
}
