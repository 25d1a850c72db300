import type { ComponentProps } from 'react';
import { cn } from './cn.ts';

/** A section on its own ground; give it an `aria-labelledby` when it holds a heading. */
export function Card({ className, ...rest }: ComponentProps<'section'>) {
  return <section className={cn('rounded-card border border-line bg-card', className)} {...rest} />;
}

/** The row that opens a card: its heading on the left, its action on the right. */
export function CardHeader({ className, ...rest }: ComponentProps<'div'>) {
  return (
    <div className={cn('flex flex-wrap items-center justify-between gap-x-3 gap-y-2', className)} {...rest} />
  );
}

/** A card's heading (level 2). */
export function CardTitle({ className, children, ...rest }: ComponentProps<'h2'>) {
  return (
    <h2 className={cn('text-[0.9375rem] font-semibold', className)} {...rest}>
      {children}
    </h2>
  );
}
