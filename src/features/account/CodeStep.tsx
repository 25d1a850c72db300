import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { CODE_LENGTH, CodeField } from '@/components/CodeField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { failureOf } from './queries.ts';
import { useAccountWords } from './words.ts';

interface CodeStepProps {
  hint: string;
  /** What the button that sends the code says. */
  action: string;
  submit: (code: string) => Promise<void>;
  onDone: () => Promise<void>;
  onCancel: () => void;
}

/** Asks for a code of the app, for an act that needs one. */
export function CodeStep({ hint, action, submit, onDone, onCancel }: CodeStepProps) {
  const { t } = useI18n();
  const { failures, factor: words } = useAccountWords();
  const [code, setCode] = useState('');
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const sending = useMutation({
    mutationFn: submit,
    onSuccess: onDone,
    onError: () => field.current?.select(),
  });
  useEffect(() => field.current?.focus(), []);

  function send(event: SyntheticEvent) {
    event.preventDefault();
    if (sending.isPending) return;
    setMissing(code.length < CODE_LENGTH);
    if (code.length < CODE_LENGTH) field.current?.focus();
    else sending.mutate(code);
  }

  const failure = sending.error && failures[failureOf(sending.error)];
  return (
    <form noValidate onSubmit={send} className="grid gap-4">
      <CodeField
        ref={field}
        label={words.code}
        hint={hint}
        error={isMissing ? words.missing : (failure ?? undefined)}
        value={code}
        onChange={setCode}
      />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" aria-disabled={sending.isPending || undefined}>
          {sending.isPending ? words.checking : action}
        </Button>
        <Button onClick={onCancel}>{t.app.cancel}</Button>
      </div>
    </form>
  );
}
