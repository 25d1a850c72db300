import { useQuery } from '@tanstack/react-query';
import { useRef, useState, type SyntheticEvent } from 'react';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Textarea } from '@/components/ui/input.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import type { CataloguePlan } from '@/core/catalogue.ts';
import type { EntitlementSnapshot, PlanChangePreview } from '@/core/entitlements.ts';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { previewQuery, type GroupDetail } from '../queries.ts';
import { PlanChoice } from './PlanChoice.tsx';
import { PreviewTable } from './PreviewTable.tsx';
import { useChangePlan } from './useChangePlan.ts';

interface ChangePlanProps {
  group: GroupDetail;
  snapshot: EntitlementSnapshot;
  plans: readonly CataloguePlan[];
}

/** Choose a plan, read what it would do, say why, confirm. Nothing is applied before the last step. */
export function ChangePlan({ group, snapshot, plans }: ChangePlanProps) {
  const { t } = useI18n();
  const words = t.console.change;
  const [chosen, setChosen] = useState<string | null>(null);
  // A plan that became the present one, here or elsewhere, is no choice any more.
  const plan = chosen === snapshot.subscribed_plan ? null : chosen;
  return (
    <Card aria-labelledby="change-plan" className="grid gap-4 px-4.5 py-4">
      <div>
        <CardTitle id="change-plan">{words.title}</CardTitle>
        {!plan && <p className="text-[0.8125rem] text-muted">{words.hint}</p>}
      </div>
      <PlanChoice plans={plans} current={snapshot.subscribed_plan} value={plan} onChange={setChosen} />
      {plan && <Preview key={plan} group={group} plan={plan} onDone={() => setChosen(null)} />}
    </Card>
  );
}

function Preview({ group, plan, onDone }: { group: GroupDetail; plan: string; onDone: () => void }) {
  const { t } = useI18n();
  const words = t.console.change;
  const { data: preview, error, refetch } = useQuery(previewQuery(group.id, plan));
  if (error && !preview) return <ErrorState message={errorText(error, t)} onRetry={() => void refetch()} />;
  if (!preview) {
    return (
      <div role="status">
        <span className="sr-only">{t.app.loading}</span>
        <Skeleton className="h-64" />
      </div>
    );
  }
  return (
    <>
      <section aria-labelledby="preview" className="border-t border-line pt-4">
        <CardHeader>
          <h3 id="preview" className="text-[0.9375rem] font-semibold">
            {words.previewTitle(preview.from_plan.name, preview.to_plan.name)}
          </h3>
          <Badge>{words.preview}</Badge>
        </CardHeader>
        <PreviewTable preview={preview} />
      </section>
      <Confirmation group={group} preview={preview} onDone={onDone} />
    </>
  );
}

interface ConfirmationProps {
  group: GroupDetail;
  preview: PlanChangePreview;
  onDone: () => void;
}

function Confirmation({ group, preview, onDone }: ConfirmationProps) {
  const { t } = useI18n();
  const words = t.console.change;
  const [reason, setReason] = useState('');
  const [checked, setChecked] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const { apply, isPending, isStale, error } = useChangePlan(group, preview, onDone);
  const missing = checked && reason.trim() === '';

  function submit(event: SyntheticEvent) {
    event.preventDefault();
    setChecked(true);
    if (reason.trim() === '') field.current?.focus();
    else apply(reason.trim());
  }

  return (
    <form
      noValidate
      onSubmit={submit}
      aria-label={words.apply}
      className="grid gap-3 border-t border-line pt-4"
    >
      {isStale && (
        <Notice tone="warning" role="alert">
          {words.stale}
        </Notice>
      )}
      {error && (
        <Notice tone="danger" role="alert">
          {errorText(error, t)}
        </Notice>
      )}
      <Field label={words.reason} hint={words.reasonHint} error={missing ? words.reasonMissing : undefined}>
        {(control) => (
          <Textarea
            {...control}
            ref={field}
            required
            maxLength={500}
            rows={2}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" aria-disabled={isPending || undefined}>
          {isPending ? words.submitting : words.submit(preview.to_plan.name)}
        </Button>
      </div>
    </form>
  );
}
