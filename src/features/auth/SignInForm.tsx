import { Eye, EyeOff } from 'lucide-react';
import { useRef, useState, type RefObject, type SyntheticEvent } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import { signIn, type SignInFailure } from './authSession.ts';

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

function failureText({ t }: I18n, failure: SignInFailure): string {
  if (failure === 'inactive') return `${t.app.noProfile}. ${t.app.noProfileDetail}`;
  if (failure === 'network' || failure === 'unknown') return t.errors.codes[failure];
  return t.auth[failure];
}

/** E-mail address and password. What is wrong is said in one place, and the field to mend takes focus. */
export function SignInForm({ value, onChange, onSignedIn, passwordRef }: SignInFormProps) {
  const i18n = useI18n();
  const { t } = i18n;
  const [failure, setFailure] = useState<SignInFailure | null>(null);
  const [checked, setChecked] = useState(false);
  const [pending, setPending] = useState(false);
  const [visible, setVisible] = useState(false);
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
    if (result.ok) return onSignedIn();
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
      <Field label={t.auth.password} error={missing(value.password)}>
        {(control) => (
          <div className="relative">
            <Input
              {...control}
              ref={password}
              type={visible ? 'text' : 'password'}
              name="password"
              autoComplete="current-password"
              required
              value={value.password}
              onChange={(event) => onChange({ ...value, password: event.target.value })}
              className="pr-11"
            />
            <Button
              variant="ghost"
              size="icon"
              aria-label={visible ? t.auth.hidePassword : t.auth.showPassword}
              onClick={() => setVisible(!visible)}
              className="absolute top-0 right-0 text-muted"
            >
              {visible ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
            </Button>
          </div>
        )}
      </Field>
      <Button type="submit" variant="primary" aria-disabled={pending || undefined}>
        {pending ? t.auth.submitting : t.auth.submit}
      </Button>
    </form>
  );
}
