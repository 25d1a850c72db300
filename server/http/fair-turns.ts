/**
 * Who may use the database now, when more want to than it can serve at once.
 *
 * Each bearer has a line of its own, and the lines take turns. A bearer that has kept sessions busy for longer than its
 * budget waits in a second set of lines, which share a few places: a crew that asks for slow things slows down itself.
 */
export interface TurnLimits {
  /** Requests at work at once. */
  places: number;
  /** Of one bearer. */
  perBearer: number;
  /** Of all bearers beyond their budget, strangers among them. */
  forHeavy: number;
  /** How long one bearer's requests may be at work within a window, milliseconds. */
  budgetMs: number;
  windowMs: number;
  /** Requests that may wait in one line, and in all. */
  waitingPerBearer: number;
  waiting: number;
}

/**
 * Of REST. One thread prepares every statement, so more than these at once only makes each of them slower; and what one
 * bearer has at work delays the others.
 */
export const DEFAULT_TURNS: Readonly<TurnLimits> = {
  places: 8,
  perBearer: 3,
  forHeavy: 1,
  budgetMs: 2_000,
  windowMs: 10_000,
  waitingPerBearer: 2_000,
  waiting: 20_000,
};

/** Bearers whose use is remembered; beyond it the one that was idle longest is forgotten. */
const MOST_REMEMBERED = 50_000;

/** A place that was given; it must be given back once. */
export interface Turn {
  end(): void;
}

interface Bearer {
  readonly isStranger: boolean;
  working: number;
  readonly line: ((turn: Turn) => void)[];
  /** How long its requests were at work, fading with time, milliseconds; and when that was reckoned. */
  usedMs: number;
  reckonedAt: number;
}

export class FairTurns {
  readonly #limits: TurnLimits;
  readonly #now: () => number;
  /** In the order of their last request. */
  readonly #bearers = new Map<string, Bearer>();
  /** Bearers that wait and may have one more place; the next one stands in front. */
  readonly #ready = new Set<Bearer>();
  readonly #readyHeavy = new Set<Bearer>();
  #working = 0;
  #heavyWorking = 0;
  #waiting = 0;

  /** @param now clock, milliseconds */
  constructor(now: () => number, limits: Partial<TurnLimits> = {}) {
    this.#now = now;
    this.#limits = { ...DEFAULT_TURNS, ...limits };
  }

  /**
   * Waits for a place.
   *
   * @param key names the bearer
   * @param isStranger whether nobody vouches for the bearer: it has no budget
   * @returns null when too many requests wait already
   */
  async take(key: string, isStranger: boolean): Promise<Turn | null> {
    const { waiting, waitingPerBearer } = this.#limits;
    const bearer = this.#find(key, isStranger);
    if (bearer.line.length >= waitingPerBearer || this.#waiting >= waiting) return null;
    const given = new Promise<Turn>((resolve) => bearer.line.push(resolve));
    this.#waiting += 1;
    this.#enlist(bearer);
    this.#serve();
    return given;
  }

  #serve(): void {
    const { places, forHeavy } = this.#limits;
    while (this.#working < places) {
      const light = this.#nextLight();
      const heavy = light || this.#heavyWorking >= forHeavy ? undefined : first(this.#readyHeavy);
      const bearer = light ?? heavy;
      const resolve = bearer?.line.shift();
      if (!bearer || !resolve) return;
      this.#waiting -= 1;
      this.#ready.delete(bearer);
      this.#readyHeavy.delete(bearer);
      resolve(this.#begin(bearer, heavy !== undefined));
      this.#enlist(bearer);
    }
  }

  /** The next bearer within its budget; who has left it meanwhile changes lines. */
  #nextLight(): Bearer | undefined {
    for (const bearer of this.#ready) {
      if (!this.#isHeavy(bearer)) return bearer;
      this.#ready.delete(bearer);
      this.#readyHeavy.add(bearer);
    }
    return undefined;
  }

  #begin(bearer: Bearer, heavy: boolean): Turn {
    const began = this.#now();
    bearer.working += 1;
    this.#working += 1;
    if (heavy) this.#heavyWorking += 1;
    let ended = false;
    return {
      end: () => {
        if (ended) return;
        ended = true;
        bearer.usedMs = this.#usedBy(bearer) + this.#now() - began;
        bearer.working -= 1;
        this.#working -= 1;
        if (heavy) this.#heavyWorking -= 1;
        this.#enlist(bearer);
        this.#serve();
      },
    };
  }

  /** Puts a bearer behind the others that wait, if it waits and may have one more place. */
  #enlist(bearer: Bearer): void {
    if (bearer.line.length === 0 || bearer.working >= this.#limits.perBearer) return;
    (this.#isHeavy(bearer) ? this.#readyHeavy : this.#ready).add(bearer);
  }

  #isHeavy(bearer: Bearer): boolean {
    return bearer.isStranger || this.#usedBy(bearer) > this.#limits.budgetMs;
  }

  /** Reckons how long the bearer's requests were at work of late: what is a window ago counts a third. */
  #usedBy(bearer: Bearer): number {
    const now = this.#now();
    bearer.usedMs *= Math.exp((bearer.reckonedAt - now) / this.#limits.windowMs);
    bearer.reckonedAt = now;
    return bearer.usedMs;
  }

  #find(key: string, isStranger: boolean): Bearer {
    const known = this.#bearers.get(key);
    const bearer = known ?? { isStranger, working: 0, line: [], usedMs: 0, reckonedAt: this.#now() };
    this.#bearers.delete(key);
    this.#bearers.set(key, bearer);
    if (this.#bearers.size > MOST_REMEMBERED) this.#forgetOldest();
    return bearer;
  }

  #forgetOldest(): void {
    for (const [key, { working, line }] of this.#bearers) {
      if (working > 0 || line.length > 0) continue;
      this.#bearers.delete(key);
      return;
    }
  }
}

function first(bearers: ReadonlySet<Bearer>): Bearer | undefined {
  for (const bearer of bearers) return bearer;
  return undefined;
}
