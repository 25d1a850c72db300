/**
 * Clients on private topics under a steady stream of database broadcasts, while sockets, the gateway and its feed
 * are killed at random. Everything is on this machine's loopback, and bounded in number and time.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { endChild, startChild } from '../helpers/child.ts';
import type { FollowerCounts } from './follower.ts';
import type { FollowersNews, FollowersOrder, GatewayNews, GatewayOrder } from './messages.ts';
import { randomFrom } from './random.ts';
import { createStage } from './stage.ts';

export interface ChaosOptions {
  /** An empty database with the platform, of role `postgres`. */
  databaseUrl: string;
  followers: number;
  topics: number;
  /** Processes that the followers are spread over. */
  processes: number;
  seconds: number;
  messagesPerSecond: number;
  /** Pause between two faults, milliseconds. */
  faultEveryMs: number;
  /** Shortest time between two kills of the gateway, milliseconds. */
  gatewayEveryMs: number;
  /** The same seed chooses the same faults. */
  seed: number;
}

export interface ChaosReport {
  followers: number;
  topics: number;
  seconds: number;
  committed: number;
  killed: { sockets: number; feed: number; gateway: number };
  counts: FollowerCounts;
  /** Followers whose screen was not the database's last word at the end. */
  missed: number;
  /**
   * From the last fault, a kill of the gateway, until it served again and until each follower was right,
   * milliseconds.
   */
  recovery: { gateway: number; median: number; slowest: number };
}

/** The size at which the proof is made; a minute of it kills more than a thousand times. */
export const FULL_SIZE: Omit<ChaosOptions, 'databaseUrl' | 'seconds' | 'seed'> = {
  followers: 1_000,
  topics: 200,
  processes: 2,
  messagesPerSecond: 100,
  faultEveryMs: 100,
  gatewayEveryMs: 8_000,
};

const JWT_SECRET = 'chaos-secret-of-at-least-32-characters';
const KEY = 'sb_publishable_chaos';
/** Longest wait for everybody to be right again, milliseconds. */
const DEADLINE_MS = 15_000;

/** Runs it and counts. Followers are right at the end, or are counted as `missed`. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = randomFrom(options.seed);
  const stage = await createStage(options.databaseUrl, options.topics);
  const gateway = new KillableGateway(options.databaseUrl);
  const crowd: Crowd[] = [];
  try {
    await gateway.start();
    const token = await signToken();
    for (let n = 0; n < options.processes; n += 1) {
      const size = Math.floor(options.followers / options.processes);
      const followers = Array.from({ length: size }, (_, index) => {
        const topic = stage.topics[(n * size + index) % stage.topics.length] as string;
        return { topic, token, socketUrl: gateway.socketUrl, snapshotUrl: stage.snapshotUrl(topic) };
      });
      crowd.push(new Crowd({ kind: 'start', followers, seed: options.seed + n }));
    }
    // Everybody is there before the first fault.
    await awaitAll(crowd, await stage.revisions(), Date.now());

    const writer = stage.write(options.messagesPerSecond, random);
    const killed = { sockets: 0, feed: 0, gateway: 0 };
    const until = Date.now() + options.seconds * 1_000;
    let gatewayAt = Date.now();
    while (Date.now() < until) {
      await pause(options.faultEveryMs);
      const choice = random();
      if (choice < 0.1 && Date.now() - gatewayAt > options.gatewayEveryMs) {
        await gateway.kill();
        gatewayAt = Date.now();
        killed.gateway += 1;
      } else if (choice < 0.2) killed.feed += (await stage.killFeed()) ? 1 : 0;
      else {
        const count = 1 + Math.floor(random() * 5);
        crowd[Math.floor(random() * crowd.length)]?.order({ kind: 'cut', count });
        killed.sockets += count;
      }
    }
    await gateway.ready();
    const lastFault = Date.now();
    await gateway.kill();
    killed.gateway += 1;
    const back = gateway.ready().then(() => Date.now() - lastFault);
    // Everybody has something to learn that happened while the gateway was away.
    await stage.writeAll();
    const delays = await awaitAll(crowd, await stage.revisions(), lastFault);
    const committed = await writer.stop();
    const final = await awaitAll(crowd, await stage.revisions(), Date.now());
    const counts = await Promise.all(crowd.map((each) => each.finish()));
    return {
      followers: delays.length,
      topics: options.topics,
      seconds: options.seconds,
      committed,
      killed,
      counts: counts.reduce(add),
      missed: final.filter((delay) => delay === null).length,
      recovery: { gateway: await back, ...summarise(delays) },
    };
  } finally {
    await Promise.all(crowd.map((each) => each.stop()));
    await gateway.stop();
    await stage.close();
  }
}

/** A gateway that is killed without warning and started again at once, under the same address. */
class KillableGateway {
  readonly #databaseUrl: string;
  #child: ChildProcess | null = null;
  #port = 0;
  #ready: Promise<void> = Promise.resolve();

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  get socketUrl(): string {
    return `ws://127.0.0.1:${this.#port}/realtime/v1/websocket?apikey=${KEY}&vsn=2.0.0`;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  start(): Promise<void> {
    const child = spawn('gateway-process.ts');
    this.#child = child;
    const order: GatewayOrder = {
      databaseUrl: this.#databaseUrl,
      jwtSecret: JWT_SECRET,
      publishableKey: KEY,
      port: this.#port,
    };
    child.send(order);
    this.#ready = once(child, 'message').then(([news]) => {
      this.#port = (news as GatewayNews).port;
    });
    return this.#ready;
  }

  async kill(): Promise<void> {
    await this.stop();
    void this.start();
  }

  async stop(): Promise<void> {
    if (this.#child) await endChild(this.#child);
  }
}

/** One process of followers. */
class Crowd {
  readonly #child: ChildProcess;

  constructor(start: FollowersOrder) {
    this.#child = spawn('followers-process.ts');
    this.order(start);
  }

  order(order: FollowersOrder): void {
    this.#child.send(order);
  }

  async ask(order: FollowersOrder): Promise<FollowersNews> {
    const answer = once(this.#child, 'message');
    this.order(order);
    return ((await answer) as [FollowersNews])[0];
  }

  async finish(): Promise<FollowerCounts> {
    const news = await this.ask({ kind: 'finish' });
    if (news.kind !== 'finished') throw new Error(`Followers answered ${news.kind}`);
    return news.counts;
  }

  stop(): Promise<void> {
    return endChild(this.#child);
  }
}

async function awaitAll(
  crowd: Crowd[],
  revisions: Record<string, number>,
  from: number,
): Promise<(number | null)[]> {
  const order: FollowersOrder = { kind: 'await', revisions, from, deadlineMs: DEADLINE_MS };
  const answers = await Promise.all(crowd.map((each) => each.ask(order)));
  return answers.flatMap((news) => (news.kind === 'right' ? news.delays : []));
}

function spawn(file: string): ChildProcess {
  return startChild(join(import.meta.dirname, file));
}

function signToken(): Promise<string> {
  return new SignJWT({ role: 'authenticated', sub: '00000000-0000-4000-8000-000000000001' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(JWT_SECRET));
}

function add(one: FollowerCounts, other: FollowerCounts): FollowerCounts {
  const names = Object.keys(one) as (keyof FollowerCounts)[];
  return Object.fromEntries(
    names.map((name) => [name, one[name] + other[name]]),
  ) as unknown as FollowerCounts;
}

function summarise(delays: (number | null)[]): { median: number; slowest: number } {
  const sorted = delays.map((delay) => delay ?? Infinity).sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? Infinity, slowest: sorted.at(-1) ?? Infinity };
}
