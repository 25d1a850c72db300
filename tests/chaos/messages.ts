/** What the processes of a chaos run tell each other. */
import type { FollowerCounts, FollowerOptions } from './follower.ts';

/** To a process of followers. */
export type FollowersOrder =
  | { kind: 'start'; followers: Omit<FollowerOptions, 'random'>[]; seed: number }
  /** Tear the lines of so many, chosen at random. */
  | { kind: 'cut'; count: number }
  /** Tell when each shows at least this revision of its topic; `from` is in milliseconds since 1970. */
  | { kind: 'await'; revisions: Record<string, number>; from: number; deadlineMs: number }
  | { kind: 'finish' };

/** From a process of followers. */
export type FollowersNews =
  /** Milliseconds from `from` until each was right; null: not in time. */
  { kind: 'right'; delays: (number | null)[] } | { kind: 'finished'; counts: FollowerCounts };

/** To the gateway's process. */
export interface GatewayOrder {
  databaseUrl: string;
  jwtSecret: string;
  publishableKey: string;
  /** 0: any free one. */
  port: number;
}

/** From the gateway's process: it serves. */
export interface GatewayNews {
  port: number;
}
