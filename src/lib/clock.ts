/** Time and chance as an argument, so that a test travels in time instead of sleeping. */
export interface Clock {
  /** Unix milliseconds. */
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Calls `run` once after `ms` milliseconds, however many; the result cancels it. */
  after: (ms: number, run: () => void) => () => void;
}

/** The longest delay that `setTimeout` keeps, 25 days; it runs a longer one at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    let timer: ReturnType<typeof setTimeout>;
    const wait = (left: number): void => {
      timer =
        left > LONGEST_MS ? setTimeout(() => wait(left - LONGEST_MS), LONGEST_MS) : setTimeout(run, left);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};
