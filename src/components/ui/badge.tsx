import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

const badgeVariants = cva('inline-flex items-center gap-1 rounded-full px-2.5 py-0.5 text-xs font-semibold', {
  variants: {
    tone: {
      blue: 'bg-blue-tint text-blue',
      green: 'bg-green-tint text-green-ink',
      gold: 'bg-gold-tint text-gold-ink',
      red: 'bg-red-tint text-red-ink',
    },
  },
  defaultVariants: { tone: 'blue' },
});

/** A short label in a pill: a plan's name, a count. */
export function Badge({
  tone,
  className,
  ...rest
}: ComponentProps<'span'> & VariantProps<typeof badgeVariants>) {
  return <span className={badgeVariants({ tone, className })} {...rest} />;
}
