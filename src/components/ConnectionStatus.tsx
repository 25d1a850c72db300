import { useEffect, useState } from 'react';
import type { Connection } from '../core/connection.ts';
import { useI18n, type I18n } from '../i18n/i18n.ts';
import { cn } from './ui/cn.ts';

interface ConnectionStatusProps {
  connection: Connection;
  /** When the server last confirmed what the screen shows, Unix milliseconds; `null` when not told. */
  confirmedAt: number | null;
  /** Leaves the detail out where there is no room for it. */
  short?: boolean;
  className?: string;
}

const DOT: Record<Connection['status'], string> = {
  live: 'bg-green',
  connecting: 'bg-muted animate-pulse',
  reconnecting: 'bg-gold animate-pulse',
  offline: 'border-2 border-muted bg-transparent',
};

/**
 * How the screen stands to the server: quiet, always visible. A screen reader hears the change of state;
 * the seconds that pass are for the eye only.
 */
export function ConnectionStatus({
  connection,
  confirmedAt,
  short = false,
  className,
}: ConnectionStatusProps) {
  const i18n = useI18n();
  const now = useNow();
  const { word, detail } = describe(i18n, connection, confirmedAt, now);
  return (
    <p
      data-connection={connection.status}
      className={cn('flex items-center gap-2 text-[0.8125rem] whitespace-nowrap text-muted', className)}
    >
      <span aria-hidden className={cn('size-2 shrink-0 rounded-full', DOT[connection.status])} />
      <span className="tabular" aria-hidden>
        {short || !detail ? word : `${word} · ${detail}`}
      </span>
      <span role="status" className="sr-only">
        {i18n.t.connection[connection.status]}
      </span>
    </p>
  );
}

interface Described {
  word: string;
  detail: string | null;
}

function describe(
  { t, formats }: I18n,
  state: Connection,
  confirmedAt: number | null,
  now: number,
): Described {
  const words = t.connection;
  switch (state.status) {
    case 'live':
      return {
        word: words.live,
        detail: confirmedAt === null ? null : words.updated(formats.ago(now - confirmedAt)),
      };
    case 'connecting':
      return { word: words.connecting, detail: null };
    case 'reconnecting': {
      const wait = state.retryAt === null ? 0 : Math.ceil((state.retryAt - now) / 1000);
      return {
        word: wait > 0 ? words.reconnectingIn(formats.number(wait)) : words.reconnecting,
        detail: null,
      };
    }
    case 'offline':
      return {
        word: words.offline,
        detail: confirmedAt === null ? null : words.lastUpdate(formats.time(confirmedAt)),
      };
  }
}

/** Unix milliseconds, read again every second while the tab is seen. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const tick = () => {
      if (!document.hidden) setNow(Date.now());
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, []);
  return now;
}
