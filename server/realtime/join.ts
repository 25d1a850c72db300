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
  /** Whether to tell the channel who is here. Tracking itself needs no leave of this. */
  presence: boolean;
  /** Under which key the channel tracks itself; null: one of its own. */
  presenceKey: string | null;
}

/**
 * Reads the payload of `phx_join`. Unknown keys and wrong types count as absent, as the client's older versions
 * need.
 *
 * @throws RealtimeError for a part of the protocol that this gateway does not serve: never a silent channel
 */
export function parseJoin(payload: Record<string, unknown>): JoinRequest {
  const config = record(payload['config']);
  const broadcast = record(config['broadcast']);
  const changes = config['postgres_changes'];
  if (Array.isArray(changes) && changes.length > 0) {
    throw new RealtimeError(
      'RealtimeDisabledForConfiguration',
      'postgres_changes is not served by this gateway; use broadcast from the database',
    );
  }
  const presence = record(config['presence']);
  const token = payload['access_token'] ?? payload['user_token'];
  return {
    accessToken: typeof token === 'string' ? token : null,
    private: config['private'] === true,
    ack: broadcast['ack'] === true,
    self: broadcast['self'] === true,
    replay: parseReplay(broadcast['replay'], config['private'] === true),
    presence: presence['enabled'] === true,
    presenceKey: parseKey(presence['key']),
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
