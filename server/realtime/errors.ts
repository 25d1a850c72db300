/** Codes a client may meet; docs/REALTIME.md says what each means and what to do. */
export type RealtimeErrorCode =
  | 'ChannelRateLimitReached'
  | 'ClientJoinRateLimitReached'
  | 'ConnectionRateLimitReached'
  | 'DatabaseUnsuitable'
  | 'InvalidJoinPayload'
  | 'InvalidJWTToken'
  | 'JwtSignatureError'
  | 'MalformedJWT'
  | 'PresenceLimitReached'
  | 'PostgresChangesSubscribeTimeout'
  | 'PrivateOnly'
  | 'RealtimeDisabledForConfiguration'
  | 'RealtimeRestarting'
  | 'SlotUnavailable'
  | 'TopicNameRequired'
  | 'UnableToReplayMessages'
  | 'UnableToSetPolicies'
  | 'Unauthorized';

/** A failure with a stable code. `reason` is its form on the wire. */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError';
  readonly code: RealtimeErrorCode;

  constructor(code: RealtimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** `<Code>: <text>`, as the client shows it. */
  get reason(): string {
    return `${this.code}: ${this.message}`;
  }
}

/** What a client is told that wants its message to be stored: the code is Supabase's for one that was not. */
export const NOT_PERSISTED =
  'UnableToPersistMessage: messages of clients are not stored here; store them with realtime.send()';

/** What a join or a message of a public channel is refused with where there are none. */
export function privateOnly(): RealtimeError {
  return new RealtimeError('PrivateOnly', 'This project only allows private channels');
}

/** An error of the protocol; what is none means that nobody could decide. */
export function asRealtimeError(error: unknown): RealtimeError {
  return error instanceof RealtimeError
    ? error
    : new RealtimeError('UnableToSetPolicies', 'Realtime could not decide about this channel', error);
}

/** The SQLSTATE or Node code of an error, or `undefined` for anything else that was thrown. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
