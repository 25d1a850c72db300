import { Check, TriangleAlert } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Badge } from '@/components/ui/badge.tsx';
import { cn } from '@/components/ui/cn.ts';
import { Field } from '@/components/ui/field.tsx';
import { Select } from '@/components/ui/input.tsx';
import { RESOURCES, type EntitlementSnapshot, type Resource } from '@/core/entitlements.ts';
import { amountText, limitText } from '@/i18n/describe.ts';
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import type { JudgedPlan } from './judgePlans.ts';

interface PlanComparisonProps {
  snapshot: EntitlementSnapshot;
  plans: readonly JudgedPlan[];
}

/**
 * One column for the group, one for each plan. A phone shows the group beside one plan at a time, chosen
 * above the table; the other columns are then hidden from everybody, not only from the eye.
 */
export function PlanComparison({ snapshot, plans }: PlanComparisonProps) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const mine = plans.find((judged) => judged.current);
  const next = plans.find(({ plan }) => plan.rank > (mine?.plan.rank ?? 0));
  const [shown, setShown] = useState((next ?? plans.at(-1))?.plan.slug);
  const row = (label: string, you: ReactNode, cell: (plan: JudgedPlan) => ReactNode) => (
    <tr key={label} className="border-b border-line">
      <th scope="row" className="py-2.5 pr-2 text-left font-normal text-muted">
        {label}
      </th>
      <td className="bg-blue-tint px-2 py-2.5 text-right font-semibold">{you}</td>
      {plans.map((judged) => (
        <td
          key={judged.plan.slug}
          className={cn('px-2 py-2.5 text-right', judged.plan.slug !== shown && 'max-sm:hidden')}
        >
          {cell(judged)}
        </td>
      ))}
    </tr>
  );
  return (
    <>
      <div className="mb-4 sm:hidden">
        <Field label={t.upgrade.planChoice}>
          {(control) => (
            <Select {...control} value={shown} onChange={(event) => setShown(event.target.value)}>
              {plans.map(({ plan }) => (
                <option key={plan.slug} value={plan.slug}>
                  {plan.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <table className="w-full border-collapse tabular">
        <caption className="sr-only">{t.upgrade.title}</caption>
        <thead>
          <tr className="border-b border-line align-bottom">
            <th scope="col">
              <span className="sr-only">{t.upgrade.criterion}</span>
            </th>
            <th
              scope="col"
              className="rounded-t-lg bg-blue-tint px-2 py-2 text-right font-semibold text-blue"
            >
              {t.upgrade.you}
            </th>
            {plans.map(({ plan, current }) => (
              <th
                key={plan.slug}
                scope="col"
                className={cn('px-2 py-2 text-right font-semibold', plan.slug !== shown && 'max-sm:hidden')}
              >
                {current && <Badge className="mb-1 whitespace-nowrap">{t.upgrade.yourPlan}</Badge>}
                <span className="block">{plan.name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {row(t.upgrade.price, mine && <Price plan={mine.plan} />, ({ plan }) => (
            <Price plan={plan} />
          ))}
          {RESOURCES.map((resource) =>
            row(
              t.entitlements.resources[resource],
              formats.quantity(resource, snapshot.restrictions[resource].usage),
              (judged) => limitCell(i18n, resource, judged),
            ),
          )}
          {row(t.upgrade.modules, formats.number(snapshot.modules.length), (p) => formats.number(p.modules))}
          {row(t.upgrade.categories, formats.number(snapshot.categories.length), (p) =>
            formats.number(p.categories),
          )}
        </tbody>
      </table>
      <ul className="mt-4 grid gap-2">
        {plans.map((judged) => (
          <li key={judged.plan.slug} className="flex gap-2">
            <Verdict judged={judged} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Price({ plan }: { plan: JudgedPlan['plan'] }) {
  const { t, formats } = useI18n();
  if (plan.price_xaf === 0) return t.upgrade.free;
  return (
    <>
      <span className="whitespace-nowrap">{formats.money(plan.price_xaf)}</span>
      <span className="block text-[0.8125rem] font-normal text-muted">
        {plan.billing_period === 'year' ? t.upgrade.perYear : t.upgrade.perMonth}
      </span>
    </>
  );
}

function limitCell(i18n: I18n, resource: Resource, { limits, over }: JudgedPlan): ReactNode {
  const text = limitText(i18n, resource, limits[resource]);
  const exceeded = over.some((excess) => excess.resource === resource);
  return exceeded ? <span className="font-semibold text-red-ink">{text}</span> : text;
}

/** Whether the group's usage fits a plan, in words. */
function Verdict({ judged: { plan, over } }: { judged: JudgedPlan }) {
  const i18n = useI18n();
  const { t } = i18n;
  const list = over.map(({ resource, overage }) => amountText(i18n, resource, overage)).join(', ');
  const Icon = over.length > 0 ? TriangleAlert : Check;
  return (
    <>
      <Icon
        aria-hidden
        className={cn('mt-0.5 size-4 shrink-0', over.length > 0 ? 'text-red-ink' : 'text-green-ink')}
      />
      <p>
        <span className="font-semibold">{plan.name}</span> –{' '}
        {over.length > 0 ? t.upgrade.over(list) : t.upgrade.fits}
      </p>
    </>
  );
}
