/**
 * The line before the database. Questions are answered in turns of their bearers, so that a crowd of one bearer's joins
 * delays another's by a few questions and not by all of them; those of the signed-in come before those of strangers.
 */
import { RealtimeError } from './errors.ts';

/** Who a question is asked for. */
export interface Bearer {
  /** An account, or the network of a stranger. */
  key: string;
  signedIn: boolean;
}

export interface FairQueueOptions {
  /** Questions in flight at once. One bearer has all of them but one. */
  slots: number;
  /** Questions of one bearer that may wait; the next one is refused. */
  waitingPerBearer: number;
}

interface Job {
  start: () => Promise<unknown>;
  drop: () => void;
  isWanted: () => boolean;
}

interface Line {
  waiting: Job[];
  running: number;
}

export class FairQueue {
  readonly #options: FairQueueOptions;
  #running = 0;
  /** By bearer, the one whose turn is next in front. */
  readonly #signedIn = new Map<string, Line>();
  readonly #strangers = new Map<string, Line>();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /**
   * Does a piece of work when its bearer's turn comes.
   *
   * @param isWanted asked at that moment: work that nobody waits for any more is dropped
   * @returns what the work returns
   * @throws RealtimeError `UnableToSetPolicies` when too much of this bearer waits, or nobody wants the work any more;
   *   what the work throws
   */
  run<Result>(
    bearer: Bearer,
    work: () => Promise<Result>,
    isWanted: () => boolean = () => true,
  ): Promise<Result> {
    const lines = bearer.signedIn ? this.#signedIn : this.#strangers;
    const line = lines.get(bearer.key) ?? { waiting: [], running: 0 };
    if (line.waiting.length >= this.#options.waitingPerBearer) purge(line);
    if (line.waiting.length >= this.#options.waitingPerBearer) {
      return Promise.reject(new RealtimeError('UnableToSetPolicies', 'Too many questions wait already'));
    }
    lines.set(bearer.key, line);
    return new Promise<Result>((resolve, reject) => {
      line.waiting.push({
        isWanted,
        start: () => work().then(resolve, reject),
        drop: () => reject(new RealtimeError('UnableToSetPolicies', 'Nobody waits for the answer any more')),
      });
      this.#advance();
    });
  }

  #advance(): void {
    while (this.#running < this.#options.slots) {
      const line = this.#next(this.#signedIn) ?? this.#next(this.#strangers);
      const job = line?.waiting.shift();
      if (!line || !job) return;
      if (job.isWanted()) void this.#do(line, job);
      else job.drop();
    }
  }

  /** The line whose turn it is; it goes to the back. */
  #next(lines: Map<string, Line>): Line | null {
    const most = Math.max(1, this.#options.slots - 1);
    for (const [key, line] of lines) {
      if (line.waiting.length === 0 && line.running === 0) lines.delete(key);
      if (line.waiting.length === 0 || line.running >= most) continue;
      lines.delete(key);
      lines.set(key, line);
      return line;
    }
    return null;
  }

  async #do(line: Line, job: Job): Promise<void> {
    this.#running += 1;
    line.running += 1;
    await job.start();
    this.#running -= 1;
    line.running -= 1;
    this.#advance();
  }
}

/** Makes room: work that nobody wants any more. */
function purge(line: Line): void {
  const { waiting } = line;
  line.waiting = waiting.filter(({ isWanted }) => isWanted());
  for (const job of waiting) if (!line.waiting.includes(job)) job.drop();
}
