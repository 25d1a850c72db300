/**
 * Sessions of PostgreSQL that may die in the very instant in which they are opened: the welcome and the last word then
 * arrive in one piece, before whoever opened the session has had a chance to listen.
 *
 * Danger: a session that reports its end while nobody listens ends the process.
 */
import { LogicalReplicationService } from 'pg-logical-replication';
import pg from 'pg';
import type { Logger } from './options.ts';

const ignore = (): void => {};

/** A pool whose sessions may die at any time; whoever uses one sees the next statement fail. */
export function openPool(config: pg.PoolConfig, log: Logger): pg.Pool {
  const pool = new pg.Pool(config);
  // Idle connections die when PostgreSQL restarts; the pool opens others.
  pool.on('error', (error) => log.debug({ err: error }, 'an idle database connection was lost'));
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

/** A reader of a replication slot, which acknowledges what it is told to and hands on one message at a time. */
export function openReplication(config: pg.ClientConfig): LogicalReplicationService {
  // Danger: any other `timeoutSeconds` acknowledges what was not fanned out yet, and loses it.
  const service = new LogicalReplicationService(config, {
    acknowledge: { auto: false, timeoutSeconds: 0 },
    flowControl: { enabled: true },
  });
  let client: pg.Client | null = null;
  // The library listens to its session only once it is open. What is ignored before, `subscribe` throws.
  Object.defineProperty(service, '_client', {
    get: () => client,
    set(opened: pg.Client | null) {
      client = opened;
      client?.on('error', ignore);
    },
  });
  return service;
}
