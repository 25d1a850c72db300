import { clsx } from 'clsx';

/**
 * Joins class names, leaving out the falsy ones. Tailwind conflicts are not resolved (that costs 8 KB on
 * the first screen): a component's `className` adds layout, it does not override looks.
 */
export const cn = clsx;
