import { cn } from './cn.ts';

/** A grey shape where content will be; the list that shows it says “loading” to assistive technology. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn('animate-pulse rounded-md bg-track', className)} />;
}
