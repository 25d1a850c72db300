import type { BindingParams } from './changes/binding.ts';
import { RealtimeError } from './errors.ts';
import { isRecord } from './frames.ts';
import { REPLAY_MAX, type ReplayRequest } from './replay.ts';

/** What a client asks for with `phx_join`. */
export interface JoinRequest {
  /** Null: join with the rights of the connection's own key. */
  accessToken: string | null;
  private: boolean;
  /** Reply to each broadcast push. */
  ack: boolean;
  /** Send a broadcast back to its sender too. */
  self: boolean;
  /** Messages of the past to send after the join. */
  replay: ReplayRequest | null;
  /** Whether to tell the channel who is here, from the join on; otherwise once it has tracked itself. */
  presence: boolean;
  /** Bindings of `postgres_changes`, as they came. */
  changes: BindingParams[];
  /** How long the reply waits until these are in force, milliseconds; null: it does not wait. */
  changesWaitMs: number | null;
  /** Whether to tell the channel when the database feed streams. */
  replicationReady: boolean;
  /** Under which key the channel tracks itself; null: one of its own. */
  presenceKey: string | null;
}

/**
 * Reads the payload of `phx_join`. Unknown keys and wrong types count as absent, as the client's older versions
 * need; the texts "true" and "false" are booleans.
 *
 * @throws RealtimeError for a part of the protocol that this gateway does not serve: never a silent channel
 */
export function parseJoin(payload: Record<string, unknown>): JoinRequest {
  const config = record(payload['config']);
  const broadcast = record(config['broadcast']);
  const changes = config['postgres_changes'];
  const presence = record(config['presence']);
  const isPrivate = isTrue(config['private']);
  const token = payload['access_token'] ?? payload['user_token'];
  return {
    accessToken: typeof token === 'string' ? token : null,
    private: isPrivate,
    ack: isTrue(broadcast['ack']),
    self: isTrue(broadcast['self']),
    replay: parseReplay(broadcast['replay'], isPrivate),
    presence: wantsPresence(config['presence']),
    presenceKey: parseKey(presence['key']),
    changes: Array.isArray(changes) ? changes.filter(isRecord) : [],
    changesWaitMs: parseWait(record(config['postgres_changes_options'])),
    replicationReady: isTrue(broadcast['replication_ready']),
  };
}

/** Milliseconds since 1970 that both a Date and a timestamp can hold. */
const INSTANT_MAX = 8_640_000_000_000_000;

function parseReplay(value: unknown, isPrivate: boolean): ReplayRequest | null {
  if (value === undefined || value === null) return null;
  if (!isPrivate) {
    throw new RealtimeError('UnableToReplayMessages', 'Replay is not allowed for public channels');
  }
  const { since, limit = REPLAY_MAX } = record(value);
  if (!isWhole(since) || !isWhole(limit) || since < 0 || since > INSTANT_MAX || limit < 1) {
    throw new RealtimeError('UnableToReplayMessages', 'Replay params are not valid');
  }
  return { since, limit: Math.min(limit, REPLAY_MAX) };
}

/** Longest and usual time that a reply is held back, milliseconds. */
const WAIT_MAX_MS = 20_000;
const WAIT_MS = 15_000;

function parseWait({ wait, timeout }: Record<string, unknown>): number | null {
  if (!isTrue(wait)) return null;
  return isWhole(timeout) && timeout > 0 ? Math.min(timeout, WAIT_MAX_MS) : WAIT_MS;
}

/** Clients older than 2.57 send a key and no `enabled`, and are told who is here. */
function wantsPresence(presence: unknown): boolean {
  return isRecord(presence) && isTrue(presence['enabled'] ?? true);
}

/** Some clients send their switches as texts. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function parseKey(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
