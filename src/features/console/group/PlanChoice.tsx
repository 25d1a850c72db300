import { useId } from 'react';
import { cn } from '@/components/ui/cn.ts';
import type { CataloguePlan } from '@/core/catalogue.ts';
import { useI18n } from '@/i18n/i18n.ts';

interface PlanChoiceProps {
  plans: readonly CataloguePlan[];
  /** Slug of the plan subscribed to: it cannot be chosen again. */
  current: string | null;
  value: string | null;
  onChange: (slug: string) => void;
}

/** The published plans as radio cards: arrow keys move, the present plan is named and closed. */
export function PlanChoice({ plans, current, value, onChange }: PlanChoiceProps) {
  const { t, formats } = useI18n();
  const name = useId();
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">{t.console.change.choose}</legend>
      <div className="grid grid-cols-2 gap-2 xl:grid-cols-4">
        {plans.map((plan) => {
          const isCurrent = plan.slug === current;
          return (
            <label
              key={plan.slug}
              className={cn(
                'relative rounded-lg border p-2.5 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-blue',
                isCurrent
                  ? 'cursor-not-allowed border-dashed border-line text-muted'
                  : 'border-field/70 hover:bg-blue-tint has-checked:border-blue has-checked:bg-blue-tint has-checked:ring-1 has-checked:ring-blue',
              )}
            >
              <input
                type="radio"
                name={name}
                value={plan.slug}
                checked={plan.slug === value}
                disabled={isCurrent}
                onChange={() => onChange(plan.slug)}
                className="absolute inset-0 size-full appearance-none outline-none"
              />
              <span className="block font-semibold">{plan.name}</span>
              <span className="block text-[0.8125rem] text-muted tabular">
                {isCurrent ? t.console.change.current : formats.money(plan.price_xaf)}
              </span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
