import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef, useState, type FormEvent } from 'react';
import { useForm } from 'react-hook-form';
import { z } from 'zod';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import type { Messages } from '@/i18n/fr.ts';
import { errorText } from '@/lib/apiError.ts';
import { toast } from '@/lib/toasts.ts';
import { PlanRestrictionGuard } from '../components/restrictions/PlanRestrictionGuard.tsx';
import { createSchool, schoolsKey } from './queries.ts';

/** The lengths that the table accepts, said in the person's language before the server has to. */
function schemaOf({ schools: { form } }: Messages) {
  const text = (max: number) =>
    z
      .string()
      .trim()
      .max(max, form.tooLong(String(max)));
  return z.object({
    name: text(120).min(2, form.nameTooShort),
    code: text(20),
    city: text(80),
    address: text(200),
  });
}

type Values = z.infer<ReturnType<typeof schemaOf>>;

const EMPTY: Values = { name: '', code: '', city: '', address: '' };

interface SchoolDialogProps {
  groupId: string;
  onClose: () => void;
  onUpgradeClick: () => void;
}

/**
 * The form of a new school. Its id is made here, once for each school: a double click or a repeat after a lost
 * answer is one row. When the limit closes while somebody types, the text stays and the button says why.
 */
export default function SchoolDialog({ groupId, onClose, onUpgradeClick }: SchoolDialogProps) {
  const { t } = useI18n();
  const words = t.schools.form;
  const queryClient = useQueryClient();
  const [id] = useState(() => crypto.randomUUID());
  const schema = useMemo(() => schemaOf(t), [t]);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: EMPTY });
  const { errors } = form.formState;
  const nameField = useRef<HTMLInputElement>(null);
  const registered = form.register('name');
  const creation = useMutation({
    mutationFn: ({ name, code, city, address }: Values) =>
      createSchool({
        id,
        school_group_id: groupId,
        name,
        code: code || null,
        city: city || null,
        address: address || null,
      }),
    onSuccess: (_data, { name }) => {
      toast.success(t.schools.createdToast(name));
      onClose();
      return queryClient.invalidateQueries({ queryKey: schoolsKey(groupId) });
    },
  });
  const submit = form.handleSubmit((values) => {
    if (!creation.isPending) creation.mutate(values);
  });

  const submitThroughOpenGuard = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // Enter in a field presses the form's button also while the guard holds it inert.
    const { submitter } = event.nativeEvent as SubmitEvent;
    if (!submitter?.closest('[inert]')) void submit(event);
  };

  return (
    <Dialog open onOpenChange={onClose} title={words.title} closeLabel={t.app.close} initialFocus={nameField}>
      <form noValidate onSubmit={submitThroughOpenGuard} className="grid gap-4 pb-1">
        {creation.error && (
          <Notice tone="danger" role="alert">
            {errorText(creation.error, t)}
          </Notice>
        )}
        <Field label={words.name} error={errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              {...registered}
              ref={(element) => {
                registered.ref(element);
                nameField.current = element;
              }}
              required
              autoComplete="off"
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={words.city} error={errors.city?.message}>
            {(control) => <Input {...control} {...form.register('city')} autoComplete="off" />}
          </Field>
          <Field label={words.code} error={errors.code?.message}>
            {(control) => <Input {...control} {...form.register('code')} autoComplete="off" />}
          </Field>
        </div>
        <Field label={words.address} error={errors.address?.message}>
          {(control) => <Input {...control} {...form.register('address')} autoComplete="off" />}
        </Field>
        <PlanRestrictionGuard restrictionType="schools" onUpgradeClick={onUpgradeClick}>
          <div className="flex justify-end">
            <Button type="submit" variant="primary" aria-disabled={creation.isPending || undefined}>
              {creation.isPending ? words.submitting : words.submit}
            </Button>
          </div>
        </PlanRestrictionGuard>
      </form>
    </Dialog>
  );
}
