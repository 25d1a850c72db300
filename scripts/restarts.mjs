/** When a server that a fault ended is started again, and when not. Plain JavaScript, as `setup.mjs`. */

/** Exit code of a server that met a fault that nothing caught: `server/last-resort.ts`. */
const SOFTWARE_FAULT = 70;
/** Signals by which the runtime or the system, and no person, ends a process. */
const CRASHES = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGKILL', 'SIGSEGV', 'SIGTRAP']);
/** So many ends within this time, milliseconds, are a fault of the start: another one would not help. */
const MOST_ENDS = 6;
const WINDOW_MS = 60_000;
/** Pauses before the next start, milliseconds; the last one is repeated. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

/** Whether a process ended by a fault, and not because it was done, refused to start, or was stopped. */
export function endedByFault(code, signal) {
  return code === SOFTWARE_FAULT || CRASHES.has(signal);
}

/** Counts the faults of one server. */
export class Restarts {
  #ends = [];
  #inARow = 0;

  /**
   * Notes that the server ended by a fault.
   *
   * @param {number} startedAt when it was started, milliseconds
   * @param {number} endedAt when it ended, milliseconds
   * @returns {number | null} pause before the next start, milliseconds; null to give up
   */
  note(startedAt, endedAt) {
    this.#ends = [...this.#ends.filter((end) => endedAt - end < WINDOW_MS), endedAt];
    if (this.#ends.length >= MOST_ENDS) return null;
    this.#inARow = endedAt - startedAt < WINDOW_MS ? this.#inARow + 1 : 1;
    return PAUSES_MS[Math.min(this.#inARow, PAUSES_MS.length) - 1];
  }

  /** How often it ended within the last minute. */
  get count() {
    return this.#ends.length;
  }
}
