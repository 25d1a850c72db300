import type { ReactNode } from 'react';
import { cn } from '@/components/ui/cn.ts';
import {
  RESOURCES,
  type NamedSlug,
  type PlanChangePreview,
  type PreviewedResource,
  type Resource,
} from '@/core/entitlements.ts';
import { amountText, limitText } from '@/i18n/describe.ts';
import { useI18n, type I18n } from '@/i18n/i18n.ts';

/**
 * What a change of plan would do, as the database computed it: by name, and by how much. On a phone the verdict
 * goes under its figures; the explicit roles keep it a table all the same.
 */
export function PreviewTable({ preview }: { preview: PlanChangePreview }) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const words = t.console.change;
  return (
    <table role="table" className="w-full border-collapse tabular max-sm:block">
      <caption className="sr-only">
        {words.previewTitle(preview.from_plan.name, preview.to_plan.name)}
      </caption>
      <tbody role="rowgroup" className="max-sm:block">
        <Row label={words.modules} value={`${preview.modules_before} → ${preview.modules_after}`}>
          <Names
            gained={preview.modules_gained}
            lost={preview.modules_lost}
            gainedText={words.gained}
            lostText={words.lost}
          />
        </Row>
        <Row label={words.categories} value={`${preview.categories_before} → ${preview.categories_after}`}>
          <Names
            gained={preview.categories_gained}
            lost={preview.categories_lost}
            gainedText={words.gainedF}
            lostText={words.lostF}
          />
        </Row>
        {RESOURCES.map((resource) => (
          <Row
            key={resource}
            label={t.entitlements.resources[resource]}
            value={againstLimit(i18n, resource, preview.restrictions[resource])}
          >
            <Verdict resource={resource} judged={preview.restrictions[resource]} />
          </Row>
        ))}
        <Row label={words.accounts} value={formats.number(preview.affected_users)}>
          {words.affected}
        </Row>
      </tbody>
    </table>
  );
}

function againstLimit(i18n: I18n, resource: Resource, { usage, new_limit }: PreviewedResource): string {
  return `${i18n.formats.quantity(resource, usage)} / ${limitText(i18n, resource, new_limit)}`;
}

function Row({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  return (
    <tr
      role="row"
      className="border-line align-top not-last:border-b max-sm:grid max-sm:grid-cols-[1fr_auto] max-sm:gap-x-3 max-sm:py-2.5"
    >
      <th role="rowheader" scope="row" className="text-left font-normal sm:py-2.5 sm:pr-3">
        {label}
      </th>
      <td role="cell" className="text-right font-semibold whitespace-nowrap sm:py-2.5 sm:pr-4">
        {value}
      </td>
      <td role="cell" className="max-sm:col-span-2 sm:w-1/2 sm:py-2.5">
        {children}
      </td>
    </tr>
  );
}

function Verdict({ resource, judged }: { resource: Resource; judged: PreviewedResource }) {
  const i18n = useI18n();
  const { t } = i18n;
  if (judged.overage > 0) {
    const amount = amountText(i18n, resource, judged.overage);
    return <span className="font-medium text-red-ink">{t.console.change.overBy(amount)}</span>;
  }
  if (judged.state === 'blocked') return <span className="text-red-ink">{t.console.change.full}</span>;
  return <span className="text-green-ink">{t.console.change.fitsIn}</span>;
}

interface NamesProps {
  gained: readonly NamedSlug[];
  lost: readonly NamedSlug[];
  gainedText: (n: number, text: string) => string;
  lostText: (n: number, text: string) => string;
}

function Names({ gained, lost, gainedText, lostText }: NamesProps) {
  const { t, formats } = useI18n();
  if (gained.length === 0 && lost.length === 0) {
    return <span className="text-muted">{t.console.change.unchanged}</span>;
  }
  return (
    <div className="grid gap-1">
      {gained.length > 0 && (
        <NameList
          tone="text-green-ink"
          summary={gainedText(gained.length, formats.number(gained.length))}
          names={gained}
        />
      )}
      {lost.length > 0 && (
        <NameList
          tone="text-red-ink"
          summary={lostText(lost.length, formats.number(lost.length))}
          names={lost}
        />
      )}
    </div>
  );
}

/** A few names are simply written; more open on request. */
const SHOWN_AT_ONCE = 4;

function NameList({ tone, summary, names }: { tone: string; summary: string; names: readonly NamedSlug[] }) {
  const { t } = useI18n();
  const text = names.map((name) => name.name).join(', ');
  if (names.length <= SHOWN_AT_ONCE) {
    return (
      <p>
        <span className={cn('font-medium', tone)}>{summary}</span>
        <span className="text-muted"> : {text}</span>
      </p>
    );
  }
  return (
    <details>
      <summary className={cn('w-fit rounded font-medium', tone)}>
        {summary} <span className="font-normal underline">{t.console.change.names}</span>
      </summary>
      <ul className="mt-1 list-disc pl-5 text-muted">
        {names.map((name) => (
          <li key={name.slug}>{name.name}</li>
        ))}
      </ul>
    </details>
  );
}
