import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useForm } from 'react-hook-form';
import { z } from 'zod';
import { PasswordField } from '@/components/PasswordField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardTitle } from '@/components/ui/card.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { toast } from '@/lib/toasts.ts';
import { changePassword, failureOf, sessionsQuery, type AccountFailure } from './queries.ts';
import { useAccountWords, type AccountWords } from './words.ts';

/** As the server has it; it judges again. */
const SHORTEST = 10;
const LONGEST_BYTES = 72;
const EMPTY = { current: '', next: '', repeat: '' };
type Values = typeof EMPTY;

const schemaOf = (words: AccountWords['password'], required: string) =>
  z
    .object({
      current: z.string().min(1, required),
      next: z
        .string()
        .min(1, required)
        .min(SHORTEST, words.weak)
        .refine((text) => new TextEncoder().encode(text).length <= LONGEST_BYTES, words.tooLong),
      repeat: z.string().min(1, required),
    })
    .refine(({ current, next }) => current !== next, { path: ['next'], message: words.same })
    .refine(({ next, repeat }) => next === repeat, { path: ['repeat'], message: words.differs });

/** The field that a refusal of the server belongs to. */
const FIELD_OF: Partial<Record<AccountFailure, keyof Values>> = {
  wrongPassword: 'current',
  samePassword: 'next',
  weakPassword: 'next',
};

/** Another password; it ends all other sessions. */
export function PasswordCard() {
  const { t } = useI18n();
  const all = useAccountWords();
  const words = all.password;
  const queryClient = useQueryClient();
  const schema = useMemo(() => schemaOf(words, t.auth.required), [words, t]);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: EMPTY });
  const { errors } = form.formState;
  const change = useMutation({
    mutationFn: ({ current, next }: Values) => changePassword(current, next),
    onSuccess: () => {
      form.reset(EMPTY);
      toast.success(words.done, { description: words.doneDetail });
      return queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
    onError: (error) => {
      const failure = failureOf(error);
      const field = FIELD_OF[failure];
      if (field) form.setError(field, { message: all.failures[failure] }, { shouldFocus: true });
    },
  });
  const failure = change.error && failureOf(change.error);
  const submit = form.handleSubmit((values) => {
    if (!change.isPending) change.mutate(values);
  });

  return (
    <Card aria-labelledby="account-password" className="grid gap-4 p-5">
      <div>
        <CardTitle id="account-password">{words.title}</CardTitle>
        <p className="mt-1 text-[0.8125rem] text-muted">{words.lead}</p>
      </div>
      <form noValidate onSubmit={(event) => void submit(event)} className="grid max-w-md gap-4">
        {failure && !FIELD_OF[failure] && (
          <Notice tone="danger" role="alert">
            {all.failures[failure]}
          </Notice>
        )}
        <PasswordField
          label={words.current}
          error={errors.current?.message}
          autoComplete="current-password"
          {...form.register('current')}
        />
        <PasswordField
          label={words.next}
          hint={words.rules}
          error={errors.next?.message}
          autoComplete="new-password"
          {...form.register('next')}
        />
        <PasswordField
          label={words.repeat}
          error={errors.repeat?.message}
          autoComplete="new-password"
          {...form.register('repeat')}
        />
        <Button
          type="submit"
          variant="primary"
          aria-disabled={change.isPending || undefined}
          className="justify-self-start"
        >
          {change.isPending ? words.submitting : words.submit}
        </Button>
      </form>
    </Card>
  );
}
