import type { Ref } from 'react';
import { Field } from './ui/field.tsx';
import { Input } from './ui/input.tsx';

/** Digits of a code; as authenticator apps have it. */
export const CODE_LENGTH = 6;

interface CodeFieldProps {
  label: string;
  hint?: string;
  error?: string | undefined;
  value: string;
  onChange: (digits: string) => void;
  ref?: Ref<HTMLInputElement>;
}

/** Six digits, typed, pasted with or without spaces, or offered by the phone. */
export function CodeField({ label, hint, error, value, onChange, ref }: CodeFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <Input
          {...control}
          ref={ref}
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          value={value}
          onChange={(event) => onChange(event.target.value.replace(/\D/g, '').slice(0, CODE_LENGTH))}
          className="tabular max-w-40 tracking-[0.3em]"
        />
      )}
    </Field>
  );
}
