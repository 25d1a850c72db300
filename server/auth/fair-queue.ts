/** Whose turn it is: queues are per network and, within one, per account. */
export interface Asker {
  network: string;
  account: string;
}

/** Thrown to the one that is dropped: the queue is full, and its own network fills it. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

interface Waiting {
  start: () => void;
  drop: () => void;
}

type Line = Map<string, Waiting[]>;

/**
 * Runs a bounded number of tasks at once and lets the others wait their turn: networks in rotation and, within one,
 * accounts in rotation. Why not one line: 12 connections that loop would stand in front of everybody. Whoever asks
 * rarely is served after at most one task of each network that waits.
 *
 * Law: a queue that is full drops the newest of the account that fills it most, in the network that fills it most;
 * nobody is refused because of others.
 */
export class FairQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  /** In the order of their turns. */
  readonly #networks = new Map<string, Line>();
  readonly #sizes = new Map<string, number>();
  #running = 0;
  #waiting = 0;

  /**
   * @param atOnce tasks that run at the same time
   * @param mostWaiting tasks that may wait, over all networks
   */
  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs `task` when it is its turn.
   *
   * @param signal whose abort gives up the place in the queue; a task that runs is not stopped
   * @returns what the task returns
   * @throws QueueFull when dropped; the reason of `signal` when it is aborted before the turn
   */
  async run<Result>(asker: Asker, task: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    await this.#turn(asker, signal);
    try {
      return await task();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #turn(asker: Asker, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#remove(asker, waiting);
        reject(signal?.reason as Error);
      };
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        drop: () => {
          signal?.removeEventListener('abort', abort);
          reject(new QueueFull('Too many sign-ins of this network wait'));
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#add(asker, waiting);
      if (this.#waiting > this.#mostWaiting && this.#running >= this.#atOnce) this.#dropOne(asker);
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.#atOnce) {
      const [network, line] = first(this.#networks) ?? [];
      const [account, jobs] = (line && first(line)) ?? [];
      const waiting = jobs?.[0];
      if (network === undefined || !line || account === undefined || !jobs || !waiting) return;
      this.#remove({ network, account }, waiting);
      // To the end of the rotation, if more of the same wait.
      rotate(line, account);
      rotate(this.#networks, network);
      this.#running++;
      waiting.start();
    }
  }

  #add({ network, account }: Asker, waiting: Waiting): void {
    const line = this.#networks.get(network) ?? new Map<string, Waiting[]>();
    this.#networks.set(network, line);
    line.set(account, [...(line.get(account) ?? []), waiting]);
    this.#sizes.set(network, (this.#sizes.get(network) ?? 0) + 1);
    this.#waiting++;
  }

  #remove({ network, account }: Asker, waiting: Waiting): void {
    const line = this.#networks.get(network);
    const jobs = line?.get(account);
    const place = jobs?.indexOf(waiting) ?? -1;
    if (!line || !jobs || place < 0) return;
    jobs.splice(place, 1);
    this.#waiting--;
    const size = (this.#sizes.get(network) ?? 1) - 1;
    if (size > 0) this.#sizes.set(network, size);
    else this.#sizes.delete(network);
    if (jobs.length === 0) line.delete(account);
    if (line.size === 0) this.#networks.delete(network);
  }

  /** @param newcomer who came last, and loses a tie */
  #dropOne(newcomer: Asker): void {
    const network = largest(this.#sizes, (size) => size, newcomer.network);
    const line = this.#networks.get(network);
    if (!line) return;
    const account = largest(line, (jobs) => jobs.length, newcomer.account);
    const dropped = line.get(account)?.at(-1);
    if (!dropped) return;
    this.#remove({ network, account }, dropped);
    dropped.drop();
  }
}

function first<Value>(map: Map<string, Value>): [string, Value] | undefined {
  const { value, done } = map.entries().next();
  return done ? undefined : value;
}

function rotate<Value>(map: Map<string, Value>, key: string): void {
  const value = map.get(key);
  if (value === undefined) return;
  map.delete(key);
  map.set(key, value);
}

/** The key with the largest size; of equals `preferred`, if it is among them. */
function largest<Value>(
  map: Map<string, Value>,
  sizeOf: (value: Value) => number,
  preferred: string,
): string {
  let found = preferred;
  const own = map.get(preferred);
  let size = own === undefined ? 0 : sizeOf(own);
  for (const [key, value] of map) {
    if (sizeOf(value) <= size) continue;
    found = key;
    size = sizeOf(value);
  }
  return found;
}
