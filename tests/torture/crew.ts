/** Those who act during a storm: each does one thing after the other, and all pause when it is to be quiet. */
import { setTimeout as pause } from 'node:timers/promises';
import { ANSWERS } from '../helpers/programs.ts';
import type { Tally } from './tally.ts';

/** How an act ended. */
export interface Outcome {
  /** The door it went through, such as `REST`. */
  door: string;
  act: string;
  /** HTTP status or SQLSTATE; `away` when the server or PostgreSQL was not there to answer. */
  answer: string;
  /** What the answer said, where it is one that must not be. */
  internal?: string | undefined;
}

/** Does one thing. */
export type Actor = () => Promise<Outcome>;

/** Longest pause between two acts of one actor, and after one that nobody answered, milliseconds. */
const PAUSE_MS = 40;
const AWAY_PAUSE_MS = 400;

const DONE = /^(2\d\d|committed|rolled back)$/;

export class Crew {
  readonly #tally: Tally;
  readonly #end = new AbortController();
  readonly #working: Promise<void>[] = [];
  #open: PromiseWithResolvers<void> | null = Promise.withResolvers();
  #acting = 0;
  #idle: PromiseWithResolvers<void> | null = null;
  #failure: { error: unknown } | null = null;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Adds one who acts while there is a storm. */
  add(act: Actor, random: () => number): void {
    this.#working.push(
      this.#work(act, random).catch((error: unknown) => {
        this.#failure ??= { error };
      }),
    );
  }

  /** Everybody acts from now on. */
  storm(): void {
    this.#open?.resolve();
    this.#open = null;
  }

  /** Nobody begins anything; resolves when what was begun has ended. @throws what an actor threw */
  async quiet(): Promise<void> {
    this.#open ??= Promise.withResolvers();
    if (this.#acting > 0) await (this.#idle ??= Promise.withResolvers()).promise;
    this.#idle = null;
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends all work. */
  async stop(): Promise<void> {
    this.#end.abort();
    this.storm();
    await Promise.all(this.#working);
  }

  async #work(act: Actor, random: () => number): Promise<void> {
    for (;;) {
      while (this.#open) await this.#open.promise;
      if (this.#end.signal.aborted) return;
      this.#acting += 1;
      let isAway = false;
      try {
        const outcome = await act();
        this.#note(outcome);
        isAway = outcome.answer === 'away' || outcome.answer === '503';
      } finally {
        this.#acting -= 1;
        if (this.#acting === 0) this.#idle?.resolve();
      }
      await pause((isAway ? AWAY_PAUSE_MS : PAUSE_MS) * random());
    }
  }

  #note({ door, act, answer, internal }: Outcome): void {
    // What intruders try is counted by what they try to open.
    if (door !== 'intruder') this.#tally.count('acts', act);
    this.#tally.count(door, answer);
    if (DONE.test(answer)) this.#tally.count('done', act);
    const wrong = internal === undefined ? [] : [`${door}, ${act}: ${answer} ${internal}`];
    this.#tally.note('sentences', answer === 'away' ? 0 : 1, wrong);
  }
}

/** Broken off with the session, the server or PostgreSQL: nobody answered. */
const AWAY = /^(57P0[1-5]|08...|E[A-Z]+|ECONN.*|EPIPE|ABORT_ERR)$/;
const AWAY_TEXT = /terminated|timeout|not queryable|Connection ended|Cannot use a pool/i;

/** What a thrown error of PostgreSQL, or of its driver, is as the outcome of an act. */
export function outcomeOfError(act: string, error: unknown): Outcome {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const door = 'SQL';
  if (ANSWERS.has(code)) return { door, act, answer: code };
  // A driver's own error has no SQLSTATE.
  if (AWAY.test(code) || (!/^[0-9A-Z]{5}$/.test(code) && AWAY_TEXT.test(message))) {
    return { door, act, answer: 'away' };
  }
  return { door, act, answer: code || 'unknown', internal: message };
}
