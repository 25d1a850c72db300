/** Storage's own turns at the database: an upload has one for its questions, and none while its bytes come. */
import type { Context } from 'hono';
import type { FairTurns, Turn, TurnLimits } from '../http/fair-turns.ts';
import type { ReadBearer } from '../http/turns.ts';

/** As many places as storage has sessions of the database. */
export const STORAGE_TURNS: Partial<TurnLimits> = { places: 4, perBearer: 2, forHeavy: 1 };

/** Waits for a turn of one bearer. Null when too many requests wait already. */
export type TakeTurn = () => Promise<Turn | null>;
export type ReadTaker = (context: Context) => Promise<TakeTurn>;

/** Makes the reader of how a request's bearer takes turns, for handlers that need more than one. */
export function createTakerReader(turns: FairTurns, readBearer: ReadBearer): ReadTaker {
  return async (context) => {
    const { key, isStranger } = await readBearer(context);
    return () => turns.take(key, isStranger);
  };
}

/** Too many requests of the bearer, or of all bearers, wait for a turn. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
}

/**
 * Does work in a turn.
 *
 * @throws TooManyWaiting when no turn can be had; or what the work throws
 */
export async function withTurn<Result>(take: TakeTurn, work: () => Promise<Result>): Promise<Result> {
  const turn = await take();
  if (!turn) throw new TooManyWaiting();
  try {
    return await work();
  } finally {
    turn.end();
  }
}

/** The turn of one request that also waits for something other than the database. */
export class BrokenTurn {
  readonly #take: TakeTurn;
  #turn: Turn | null = null;

  constructor(take: TakeTurn) {
    this.#take = take;
  }

  /** @throws TooManyWaiting when no turn can be had */
  async begin(): Promise<void> {
    this.#turn = await this.#take();
    if (!this.#turn) throw new TooManyWaiting();
  }

  /** Gives the turn back; may be said without one. */
  end(): void {
    this.#turn?.end();
    this.#turn = null;
  }
}
