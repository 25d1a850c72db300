import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashTask } from './hash-worker.ts';

const WORKER = new URL('hash-worker.ts', import.meta.url);

/** As Supabase has it; two raised to it is the number of rounds. */
const COST = 10;

/** Nobody's hash, with the cost of all others. Its digest is all zeros: no password is known to give it. */
const DECOY = `$2b$${COST}$${'.'.repeat(53)}`;
const BCRYPT = /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/;

interface Job {
  task: HashTask;
  resolve: (answer: HashAnswer) => void;
  reject: (error: Error) => void;
}

/**
 * Hashes passwords with bcrypt on threads of its own, one for each core. Why not on libuv's: there are four, which
 * files need too, and they cannot be given a lower priority than the thread that answers requests.
 */
export class HashPool {
  readonly size: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #jobs: Job[] = [];
  #closed = false;

  /** @param size threads; each is started when it is first needed */
  constructor(size = availableParallelism()) {
    this.size = size;
  }

  /**
   * Whether a password gives a stored hash. Without a hash, or with one of another kind, it does the same work and
   * says no, so that time does not tell who has an account.
   */
  async verify(password: string, hash: string | null | undefined): Promise<boolean> {
    const right = await this.#run({ password, hash: hash && BCRYPT.test(hash) ? hash : DECOY });
    return right === true;
  }

  /** A new hash of a password, which is at most 72 bytes long. */
  async hash(password: string): Promise<string> {
    return String(await this.#run({ password, cost: COST }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#jobs.splice(0)) reject(new Error('The server is stopping'));
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #run(task: HashTask): Promise<HashAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error('The server is stopping'));
      this.#jobs.push({ task, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    const worker = this.#jobs.length > 0 ? (this.#idle.pop() ?? this.#start()) : undefined;
    const job = worker && this.#jobs.shift();
    if (!worker || !job) return;
    const settle = (): void => {
      worker.off('message', answered);
      worker.off('exit', ended);
      worker.off('error', failed);
    };
    const answered = (answer: HashAnswer): void => {
      settle();
      worker.unref();
      this.#idle.push(worker);
      job.resolve(answer);
      this.#next();
    };
    const failed = (error: Error): void => {
      settle();
      job.reject(error);
    };
    const ended = (): void => failed(new Error('A thread that hashes passwords ended'));
    worker.on('message', answered).on('error', failed).on('exit', ended);
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    worker.postMessage(job.task);
  }

  #start(): Worker | undefined {
    if (this.#all.size >= this.size) return undefined;
    // Not the flags of the caller: a test runner's would break the thread.
    const worker = new Worker(WORKER, { execArgv: [] });
    this.#all.add(worker);
    worker.on('error', () => {});
    worker.once('exit', () => {
      this.#all.delete(worker);
      const place = this.#idle.indexOf(worker);
      if (place >= 0) this.#idle.splice(place, 1);
      if (!this.#closed) this.#next();
    });
    return worker;
  }
}
