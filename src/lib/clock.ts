/** Time and chance as an argument, so that a test travels in time instead of sleeping. */
export interface Clock {
  /** Unix milliseconds. */
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Calls `run` once after `ms` milliseconds; the result cancels it. */
  after: (ms: number, run: () => void) => () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
