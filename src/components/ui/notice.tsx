import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

const noticeVariants = cva('grid gap-2 rounded-card border px-4 py-3', {
  variants: {
    tone: {
      info: 'border-line bg-blue-tint text-ink',
      warning: 'border-gold-line bg-gold-tint text-gold-ink',
      danger: 'border-red/40 bg-red-tint text-red-ink',
    },
  },
  defaultVariants: { tone: 'info' },
});

/** A tinted box for what the reader must know beside the content. Pass `role="alert"` or `"status"` when it appears by itself. */
export function Notice({
  tone,
  className,
  ...rest
}: ComponentProps<'div'> & VariantProps<typeof noticeVariants>) {
  return <div className={noticeVariants({ tone, className })} {...rest} />;
}
