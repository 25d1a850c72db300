import type { Clock } from '../../src/lib/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time forward, runs what falls due in order, and lets promises settle in between. */
  advance: (ms: number) => Promise<void>;
  /** Timers that are still waiting; a stopped thing leaves none. */
  pending: () => number;
  chance: number;
}

/** Lets promises that are already settled be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Time and chance under the test's control. */
export function createFakeClock(start = Date.parse('2025-11-17T09:00:00Z')): FakeClock {
  let now = start;
  let timers: Array<{ at: number; run: () => void }> = [];
  const clock: FakeClock = {
    chance: 0.5,
    now: () => now,
    random: () => clock.chance,
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance: async (ms) => {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        now = Math.max(now, next.at);
        next.run();
        await settle();
      }
      now = end;
      await settle();
    },
    pending: () => timers.length,
  };
  return clock;
}
