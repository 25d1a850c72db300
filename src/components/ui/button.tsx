import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

/** Classes of a button, for links that must look like one. */
export const buttonVariants = cva(
  'inline-flex min-h-9 items-center justify-center gap-2 rounded-lg border px-3 py-1.5 font-semibold no-underline transition-colors disabled:opacity-45 aria-disabled:opacity-45 [&_svg]:size-4 [&_svg]:shrink-0',
  {
    variants: {
      variant: {
        primary: 'border-transparent bg-primary text-primary-ink enabled:hover:bg-primary-hover',
        outline: 'border-line bg-card text-ink enabled:hover:bg-blue-tint',
        ghost: 'border-transparent bg-transparent text-ink enabled:hover:bg-blue-tint',
      },
      size: {
        md: '',
        sm: 'min-h-8 px-2.5 py-1 text-[0.8125rem]',
        icon: 'size-9 p-0',
      },
    },
    defaultVariants: { variant: 'outline', size: 'md' },
  },
);

/** A push button; `type` is `button` unless told otherwise, so that none submits a form by accident. */
export function Button({
  variant,
  size,
  className,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & VariantProps<typeof buttonVariants>) {
  return <button type={type} className={buttonVariants({ variant, size, className })} {...rest} />;
}
