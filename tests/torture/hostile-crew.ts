/** The hostile crew as the run sees it: begins, and ends with a report of each attack. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endChild, startChild } from '../helpers/child.ts';
import type { Target } from './hostile/attack.ts';
import type { CrewNews, CrewOrder } from './hostile/crew.ts';
import type { AttackReport } from './hostile/record.ts';

/** The crew with every attack there is. */
export const EVERYBODY = join(import.meta.dirname, 'hostile-process.ts');

export interface CrewOptions {
  /** The crew's process: a file that calls `runCrew`. */
  file: string;
  target: Target;
  /** Names of the attacks to make; all when none is named. */
  names: readonly string[];
  /** Share of a full run, above 0 and at most 1. */
  strength: number;
  seed: number;
}

export class HostileCrew implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Rejects when the crew's process ends by itself. */
  readonly failed: Promise<never>;
  /** Whether a strike found the server away. */
  foundAway = false;
  /** Names of the attacks that were being made when the server was first found away, or else when the attack ended. */
  underWay: readonly string[] = [];
  /** Names of the attacks of which a strike has come to its end. */
  readonly struck = new Set<string>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.failed = once(child, 'exit').then((): never => {
      throw new Error('The process of the hostile crew has ended by itself');
    });
    // A crew that is disposed of ends, too, and then nobody waits.
    this.failed.catch(() => {});
    child.on('message', (news: CrewNews) => {
      if (news.kind === 'away') {
        this.foundAway = true;
        this.underWay = news.underWay;
      }
      if (news.kind === 'struck') this.struck.add(news.name);
    });
  }

  /** Starts the process; it attacks at once. */
  static attack({ file, ...order }: CrewOptions): HostileCrew {
    const crew = new HostileCrew(startChild(file));
    crew.#order({ kind: 'attack', ...order });
    return crew;
  }

  /** Ends all attacks and closes what they opened. @throws Error when the crew's process has failed */
  async end(): Promise<AttackReport[]> {
    const ended = Promise.withResolvers<AttackReport[]>();
    this.#child.on('message', (news: CrewNews) => {
      if (news.kind !== 'ended') return;
      if (this.underWay.length === 0) this.underWay = news.underWay;
      ended.resolve(news.reports);
    });
    if (this.#child.connected) this.#order({ kind: 'end' });
    return Promise.race([ended.promise, this.failed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.#child);
  }

  #order(order: CrewOrder): void {
    this.#child.send(order);
  }
}
