import { useId, type ReactNode } from 'react';
import { cn } from './cn.ts';

interface Option<T extends string> {
  value: T;
  /** Accessible name; shown unless an icon stands for it. */
  label: string;
  icon?: ReactNode;
}

interface SegmentedProps<T extends string> {
  legend: string;
  value: T;
  options: ReadonlyArray<Option<T>>;
  onChange: (value: T) => void;
  /** On the navigation's dark blue, or on a card. */
  ground?: 'nav' | 'card';
}

/** A choice among two or three, as native radio buttons: arrow keys, names and roles come from the browser. */
export function Segmented<T extends string>({
  legend,
  value,
  options,
  onChange,
  ground = 'card',
}: SegmentedProps<T>) {
  const name = useId();
  return (
    <fieldset
      className={cn(
        'inline-flex rounded-lg border p-0.5',
        ground === 'nav' ? 'border-white/20' : 'border-line bg-card',
      )}
    >
      <legend className="sr-only">{legend}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          title={option.icon ? option.label : undefined}
          className={cn(
            'relative inline-flex h-7 min-w-8 items-center justify-center rounded-md px-2 text-xs font-semibold has-focus-visible:outline-2 has-focus-visible:outline-offset-1 [&_svg]:size-4',
            ground === 'nav'
              ? 'text-nav-ink has-checked:bg-white/15 has-checked:text-white has-focus-visible:outline-white'
              : 'text-muted has-checked:bg-blue-tint has-checked:text-blue has-focus-visible:outline-blue',
          )}
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            className="absolute inset-0 size-full appearance-none outline-none"
          />
          {option.icon}
          <span className={option.icon ? 'sr-only' : undefined}>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
