import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { CODE_LENGTH, CodeField } from '@/components/CodeField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import type { SignInFailure } from './authSession.ts';
import { failureText } from './failureText.ts';
import { giveCode } from './giveCode.ts';
import { useAuthWords } from './words.ts';

interface SecondFactorFormProps {
  onSignedIn: () => void;
  /** The person wants to give another password instead. */
  onOther: () => void;
}

/** The step after the password: the code of the authenticator app. */
export default function SecondFactorForm({ onSignedIn, onOther }: SecondFactorFormProps) {
  const i18n = useI18n();
  const words = useAuthWords().code;
  const [code, setCode] = useState('');
  const [failure, setFailure] = useState<SignInFailure | 'missing' | null>(null);
  const [pending, setPending] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const isOfCode = failure === 'missing' || failure === 'wrongCode';

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    if (pending) return;
    setFailure(null);
    if (code.length < CODE_LENGTH) {
      setFailure('missing');
      return field.current?.focus();
    }
    setPending(true);
    const result = await giveCode(code);
    setPending(false);
    if (result.ok) return onSignedIn();
    setFailure(result.failure);
    field.current?.select();
  }

  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
      {failure && !isOfCode && (
        <Notice tone="danger" role="alert">
          {failureText(i18n, failure)}
        </Notice>
      )}
      <h2 className="font-semibold">{words.title}</h2>
      <CodeField
        ref={field}
        label={words.label}
        hint={words.hint}
        error={isOfCode ? (failure === 'missing' ? words.missing : words.wrong) : undefined}
        value={code}
        onChange={setCode}
      />
      <Button type="submit" variant="primary" aria-disabled={pending || undefined}>
        {pending ? words.submitting : words.submit}
      </Button>
      <Button variant="ghost" onClick={onOther}>
        {words.other}
      </Button>
    </form>
  );
}
