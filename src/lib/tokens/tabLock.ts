/**
 * Turns among the tabs of a browser. Web Locks where there are any; they are missing on plain http, as in a school's own
 * network: there a lease in `localStorage` takes their place. `localStorage` has no compare-and-set, so two tabs may
 * both hold a lease that they took within the same milliseconds: the lock spares requests, it does not make them right.
 * That is the server's part: a refresh token used twice within 10 s leads to one session.
 */
import type { Clock } from '../clock.ts';

export type TabLock = <Result>(run: () => Promise<Result>) => Promise<Result>;

type Area = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Longer than a refresh may take, shorter than the 10 s in which the same token can be used again. */
const LEASE_MS = 7_000;
const POLL_MS = 50;
/** Whoever wrote within this time before or after is seen by both. */
const SETTLE_MS = 25;

/** A lock by a lease that runs out: a tab that was closed while it held it blocks the others for 7 s at most. */
export function createLeaseLock(name: string, clock: Clock, area: Area): TabLock {
  const own = `${clock.now()}-${clock.random()}`;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      clock.after(ms, resolve);
    });
  const holder = (): string | null => {
    const [id, until] = (area.getItem(name) ?? '').split(' ');
    const left = Number(until) - clock.now();
    // More than a whole lease left: the clock was set back meanwhile.
    return id && left > 0 && left <= LEASE_MS ? id : null;
  };
  return async (run) => {
    for (;;) {
      if (holder() === null) {
        area.setItem(name, `${own} ${clock.now() + LEASE_MS}`);
        await pause(SETTLE_MS * (1 + clock.random()));
        if (holder() === own) break;
      } else await pause(POLL_MS * (1 + clock.random()));
    }
    const release = () => {
      if (holder() === own) area.removeItem(name);
    };
    // A page that is left mid-way lets the next one, often itself reloaded, go on at once.
    globalThis.addEventListener('pagehide', release);
    try {
      return await run();
    } finally {
      globalThis.removeEventListener('pagehide', release);
      release();
    }
  };
}

/** The best lock that this browser has. */
export function createTabLock(name: string, clock: Clock): TabLock {
  const locks: LockManager | undefined = navigator.locks;
  if (locks) return (run) => locks.request(name, run);
  try {
    localStorage.getItem(name);
    return createLeaseLock(name, clock, localStorage);
  } catch {
    // Without storage each tab has a session of its own.
    return (run) => run();
  }
}
