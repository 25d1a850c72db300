import type { ComponentProps } from 'react';
import { cn } from './cn.ts';

const FIELD =
  'w-full rounded-lg border border-field bg-card px-3 text-ink placeholder:text-muted aria-invalid:border-red disabled:opacity-60';

/** A single-line text input. Its font is 16 px on phones so that iOS does not zoom into it. */
export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={cn(FIELD, 'h-9 text-base sm:text-sm', className)} {...rest} />;
}

/** A text input of several lines. */
export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={cn(FIELD, 'min-h-18 py-2 text-base sm:text-sm', className)} {...rest} />;
}

/** The browser's own select, which every keyboard and phone already knows. */
export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select className={cn(FIELD, 'h-9 pr-8 text-base sm:text-sm', className)} {...rest} />;
}
