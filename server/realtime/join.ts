import { RealtimeError } from './errors.ts';
import { isRecord } from './frames.ts';

/** What a client asks for with `phx_join`. */
export interface JoinRequest {
  /** Null: join with the rights of the connection's own key. */
  accessToken: string | null;
  private: boolean;
  /** Reply to each broadcast push. */
  ack: boolean;
  /** Send a broadcast back to its sender too. */
  self: boolean;
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
  if (record(config['presence'])['enabled'] === true) {
    throw new RealtimeError('PresenceNotServed', 'Presence is not served by this gateway');
  }
  if (broadcast['replay'] !== undefined) {
    throw new RealtimeError('UnableToReplayMessages', 'Replay is not served by this gateway');
  }
  const token = payload['access_token'] ?? payload['user_token'];
  return {
    accessToken: typeof token === 'string' ? token : null,
    private: config['private'] === true,
    ack: broadcast['ack'] === true,
    self: broadcast['self'] === true,
  };
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
