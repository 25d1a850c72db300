import { lazy, Suspense, useRef, useState, type RefObject, type SyntheticEvent } from 'react';
import { PasswordField } from '@/components/PasswordField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { useSession } from '@/lib/session.ts';
import { dropSession, signIn, type SignInFailure } from './authSession.ts';
import { failureText } from './failureText.ts';

const SecondFactorForm = lazy(() => import('./SecondFactorForm.tsx'));

export interface Credentials {
  email: string;
  password: string;
}

interface SignInFormProps {
  /** Both fields, held by the page so that a demo account can fill them. */
  value: Credentials;
  onChange: (value: Credentials) => void;
  onSignedIn: () => void;
  passwordRef?: RefObject<HTMLInputElement | null>;
}

/** Address and password, then the code where the account has a second factor; a reload comes back to the same step. */
export function SignInForm(props: SignInFormProps) {
  const { status } = useSession();
  const [isCodeAsked, setCodeAsked] = useState(false);
  if (!isCodeAsked && status !== 'second_factor') {
    return <PasswordStep {...props} onCodeAsked={() => setCodeAsked(true)} />;
  }
  const startOver = () => {
    setCodeAsked(false);
    void dropSession();
  };
  return (
    <Suspense>
      <SecondFactorForm onSignedIn={props.onSignedIn} onOther={startOver} />
    </Suspense>
  );
}

/** What is wrong is said in one place, and the field to mend takes focus. */
function PasswordStep({
  value,
  onChange,
  onSignedIn,
  onCodeAsked,
  passwordRef,
}: SignInFormProps & { onCodeAsked: () => void }) {
  const i18n = useI18n();
  const { t } = i18n;
  const [failure, setFailure] = useState<SignInFailure | null>(null);
  const [checked, setChecked] = useState(false);
  const [pending, setPending] = useState(false);
  const email = useRef<HTMLInputElement>(null);
  const ownPassword = useRef<HTMLInputElement>(null);
  const password = passwordRef ?? ownPassword;
  const missing = (text: string) => (checked && text === '' ? t.auth.required : undefined);

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    if (pending) return;
    setChecked(true);
    setFailure(null);
    if (!value.email.trim()) return email.current?.focus();
    if (!value.password) return password.current?.focus();
    setPending(true);
    const result = await signIn(value.email, value.password);
    setPending(false);
    if (result.ok) return result.next === 'code' ? onCodeAsked() : onSignedIn();
    setFailure(result.failure);
    if (result.failure === 'wrong') password.current?.select();
  }

  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
      {failure && (
        <Notice tone="danger" role="alert">
          {failureText(i18n, failure)}
        </Notice>
      )}
      <Field label={t.auth.email} error={missing(value.email.trim())}>
        {(control) => (
          <Input
            {...control}
            ref={email}
            type="email"
            name="email"
            autoComplete="username"
            required
            value={value.email}
            onChange={(event) => onChange({ ...value, email: event.target.value })}
          />
        )}
      </Field>
      <PasswordField
        label={t.auth.password}
        error={missing(value.password)}
        ref={password}
        name="password"
        autoComplete="current-password"
        value={value.password}
        onChange={(event) => onChange({ ...value, password: event.target.value })}
      />
      <Button type="submit" variant="primary" aria-disabled={pending || undefined}>
        {pending ? t.auth.submitting : t.auth.submit}
      </Button>
    </form>
  );
}
