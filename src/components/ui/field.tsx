import { useId, type ReactNode } from 'react';

interface FieldProps {
  label: ReactNode;
  /** Sentence under the control while it holds no error. */
  hint?: ReactNode;
  /** What is wrong; announced at once and tied to the control. */
  error?: string | undefined;
  /** Draws the control with the ids that tie label, hint and error to it. */
  children: (control: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': true | undefined;
  }) => ReactNode;
}

/** A labelled form control with its hint and error wired for assistive technology. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        'aria-describedby': note ? noteId : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {note && (
        <p
          id={noteId}
          role={error ? 'alert' : undefined}
          className={error ? 'text-[0.8125rem] font-medium text-red-ink' : 'text-[0.8125rem] text-muted'}
        >
          {note}
        </p>
      )}
    </div>
  );
}
