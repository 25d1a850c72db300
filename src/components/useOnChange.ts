import { useEffect, useRef } from 'react';

/**
 * Runs `react` when a value becomes another one. Learning it for the first time (from `null`) is no change.
 * @param react must not change from render to render unless it should be heard anew.
 */
export function useOnChange(value: number | string | null, react: () => void): void {
  const known = useRef(value);
  useEffect(() => {
    const before = known.current;
    known.current = value;
    if (before !== null && value !== null && before !== value) react();
  }, [value, react]);
}
