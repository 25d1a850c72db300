import { useEffect, useState } from 'react';
import { useI18n } from '../i18n/i18n.ts';

/** Time gone since an instant (Unix milliseconds), kept true by the second: `il y a 2 s`. */
export function useAgo(since: number): string {
  const { formats } = useI18n();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  // Between two ticks something newer than `now` may have arrived: it was just now.
  return formats.ago(Math.max(0, now - since));
}
