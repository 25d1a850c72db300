import { Eye, EyeOff } from 'lucide-react';
import { useState, type ComponentProps } from 'react';
import { useI18n } from '../i18n/i18n.ts';
import { Button } from './ui/button.tsx';
import { Field } from './ui/field.tsx';
import { Input } from './ui/input.tsx';

interface PasswordFieldProps extends Omit<ComponentProps<'input'>, 'type'> {
  label: string;
  hint?: string;
  error?: string | undefined;
}

/** A password with a button that shows it: what is typed blind on a phone is typed wrong. */
export function PasswordField({ label, hint, error, ...input }: PasswordFieldProps) {
  const { t } = useI18n();
  const [visible, setVisible] = useState(false);
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <div className="relative">
          <Input {...control} {...input} type={visible ? 'text' : 'password'} required className="pr-11" />
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
  );
}
