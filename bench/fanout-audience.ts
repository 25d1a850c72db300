/** The listeners of one server, what was published to them, and what they say they have heard. */
import { monotonicMs } from './clock.ts';
import { type Looks, findWrongDeliveries } from './delivery.ts';
import type { FanoutServer } from './fanout-server.ts';
import { type Swarm, type SwarmOptions, startSwarm } from './swarm.ts';

/** From when on a message counts as late, milliseconds; then all that was written is awaited, what is missing is missed. */
const LATE_MS = 2_000;

/** One message: milliseconds until all sockets were written to, of the processor meanwhile, until the last had it. */
export type Round = Record<'written' | 'cpu' | 'last', number>;

export interface AudienceOptions {
  server: FanoutServer;
  /** What is published to. */
  topic: string;
  secretKey: string;
  swarm: Omit<SwarmOptions, 'size'>;
  /** How a message looks when it arrives. */
  looks: (payload: string) => Looks;
}

export class Audience implements AsyncDisposable {
  readonly #options: AudienceOptions;
  #swarm: Swarm | undefined;
  #size = 0;
  #rev = 0;
  /** Since the listeners were asked last. */
  #sent: Looks[] = [];
  #missed = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  /** Opens as many listeners as are missing; how many that was a second. */
  async growTo(size: number): Promise<number> {
    const by = size - this.#size;
    const began = performance.now();
    if (this.#swarm) await this.#swarm.grow(by);
    else this.#swarm = await startSwarm({ ...this.#options.swarm, size: by });
    this.#size = size;
    return by / ((performance.now() - began) / 1000);
  }

  async publish(): Promise<Round> {
    this.#rev += 1;
    const { server, topic, secretKey, looks } = this.#options;
    const payload = payloadOf(this.#rev);
    this.#sent.push(looks(JSON.stringify(payload)));
    const written = await server.publish({ topic, payload, secretKey });
    // Whoever missed one is not waited for again.
    const arrivals = (await this.#swarm?.delivered(this.#rev, this.#missed ? 0 : LATE_MS)) ?? [];
    this.#missed ||= arrivals.length < this.#size;
    const last = this.#missed ? monotonicMs() : Math.max(...arrivals);
    return { written: written.writtenMs, cpu: written.cpuMs, last: last - written.startedAt };
  }

  /** What was wrong about the messages since this was asked last. */
  async findWrong(): Promise<string[]> {
    const heard = await this.#swarm?.heard();
    const sent = this.#sent;
    this.#sent = [];
    return heard ? findWrongDeliveries(sent, heard) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#swarm?.[Symbol.asyncDispose]();
  }
}

/** As long as a plan change's frame is. */
export function payloadOf(rev: number): object {
  return { rev, text: 'x'.repeat(200) };
}
