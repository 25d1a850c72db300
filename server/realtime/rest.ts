/**
 * Broadcast over HTTP:
 *   POST /realtime/v1/api/broadcast                                  {messages: [{topic, event, payload, private?}]}
 *   POST /realtime/v1/api/broadcast/{topic}/events/{event}?private=true   JSON or octet-stream
 * Both answer 202 when the messages are on their way.
 */
import type { Ask } from './asking.ts';
import type { Applicant } from './authorization.ts';
import type { Context } from './context.ts';
import { allowOtherOrigins } from './cross-origin.ts';
import type { Broadcast } from './encode.ts';
import { accountOf, isSignedIn } from './accounts.ts';
import { NOT_PERSISTED, privateOnly, RealtimeError, type RealtimeErrorCode } from './errors.ts';
import { isRecord, isStorable } from './frames.ts';
import { keyOf, type StreamName } from './hub.ts';
import { parseJson } from './nesting.ts';
import type { Limits } from './options.ts';
import { Rates } from './rates.ts';
import type { Session } from './sessions.ts';

const JSON_TYPE = 'application/json';
const BATCH_PATH = '/realtime/v1/api/broadcast';
const ONE_PATH = /^\/realtime\/v1\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/;

interface Message {
  stream: StreamName;
  broadcast: Broadcast & { kind: 'user' };
}

/** Why a request is refused, as the metric names it, with its HTTP status. */
const STATUS = {
  ApiKeyMissing: 401,
  InvalidRequest: 422,
  MethodNotAllowed: 405,
  NotFound: 404,
  RestRateLimitReached: 429,
  UnableToPersistMessage: 422,
  UnsupportedMediaType: 415,
  WriteDenied: 403,
  payload_size_exceeded: 413,
} as const;

/** The same for errors with a code of the protocol; all others are of the token. */
const STATUS_OF_CODE: Partial<Record<RealtimeErrorCode, number>> = {
  PrivateOnly: 403,
  UnableToSetPolicies: 503,
};

class Refusal extends Error {
  readonly reason: keyof typeof STATUS;

  constructor(reason: keyof typeof STATUS, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** @returns the handler of `/realtime/v1/api/*` */
export function createRestHandler(context: Context): (request: Request) => Promise<Response> {
  const { accounts, authorizer, hub, limits, log, metrics, publicChannels, sessions } = context;
  const budget = new Rates(limits.restMessagesPerSecond, context.now);

  const bearerOf = async (request: Request): Promise<Session> => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
    const key = request.headers.get('apikey') ?? request.headers.get('x-api-key');
    const own = key ? await sessions.ofKey(key) : null;
    // The client sends its key as the bearer when nobody is signed in.
    if (bearer && bearer !== key) return sessions.ofKey(bearer);
    if (own) return own;
    throw new Refusal('ApiKeyMissing', 'An API key is required');
  };

  const answer = async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') throw new Refusal('MethodNotAllowed', 'Use POST');
    const session = await bearerOf(request);
    // Rights before the first byte: nobody's own key may write nowhere.
    if (!publicChannels && !isSignedIn(session)) throw new Refusal('WriteDenied', 'Sign in to send messages');
    const account = accountOf(session);
    const messages = await readMessages(request, limits, (bytes) => {
      if (account !== null && !accounts.maySend(account, bytes)) {
        throw new Refusal('RestRateLimitReached', 'Too many bytes per second');
      }
    });
    if (!budget.take(session.token, messages.length)) {
      throw new Refusal('RestRateLimitReached', 'Too many messages per second');
    }
    // All topics are asked about before the first message is sent: a database that fails half way sends nothing.
    const ask = context.askFor({ key: account ?? session.role, signedIn: isSignedIn(session) });
    const applicant = { session, headers: JSON.stringify(Object.fromEntries(request.headers)) };
    const refusals = new Map<string, Refusal | RealtimeError>();
    for (const stream of new Map(messages.map((each) => [keyOf(each.stream), each.stream])).values()) {
      const refusal = await refusalOf(ask, applicant, stream);
      if (refusal) refusals.set(keyOf(stream), refusal);
    }
    const allowed = messages.filter(({ stream }) => !refusals.has(keyOf(stream)));
    const [first, ...others] = refusals.values();
    if (first && allowed.length === 0) throw first;
    // What may be sent is sent, as on Supabase; what may not is counted.
    for (const refusal of first ? [first, ...others] : [])
      metrics.refusals.inc({ reason: reasonOf(refusal) });
    for (const { stream, broadcast } of allowed) {
      metrics.messages.inc({ source: 'rest' });
      hub.publish(stream, broadcast);
    }
    return new Response(null, { status: 202 });
  };

  const refusalOf = async (
    ask: Ask,
    applicant: Applicant,
    { private: isPrivate, topic }: StreamName,
  ): Promise<Refusal | RealtimeError | null> => {
    if (!isPrivate) return publicChannels ? null : privateOnly();
    if (await authorizer.canWrite(ask, applicant, topic, 'broadcast')) return null;
    return new Refusal('WriteDenied', `You do not have permissions to write to this topic: ${topic}`);
  };

  return allowOtherOrigins(async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (error instanceof Refusal) {
        metrics.refusals.inc({ reason: error.reason });
        return refuse(STATUS[error.reason], error.message);
      }
      if (!(error instanceof RealtimeError)) {
        metrics.exceptions.inc({ where: 'http' });
        log.error({ err: error }, 'a broadcast over HTTP failed unexpectedly');
        return refuse(500, 'InternalError: Realtime could not serve this request');
      }
      metrics.refusals.inc({ reason: error.code });
      return refuse(STATUS_OF_CODE[error.code] ?? 401, error.reason);
    }
  });
}

function reasonOf(refusal: Refusal | RealtimeError): string {
  return refusal instanceof Refusal ? refusal.reason : refusal.code;
}

/** @param count called with the size of each piece of the body; throws to stop reading */
async function readMessages(
  request: Request,
  limits: Limits,
  count: (bytes: number) => void,
): Promise<Message[]> {
  const url = new URL(request.url);
  // Who sends none sends JSON, as older callers do.
  const type = (request.headers.get('content-type') ?? JSON_TYPE).split(';')[0]?.trim();
  const one = ONE_PATH.exec(url.pathname);
  if (one) {
    const encoding = type === JSON_TYPE ? 'json' : type === 'application/octet-stream' ? 'raw' : null;
    if (!encoding) {
      throw new Refusal('UnsupportedMediaType', 'Send application/json or application/octet-stream');
    }
    const event = decode(one[2]);
    const stream = { topic: decode(one[1]), private: url.searchParams.get('private') === 'true' };
    if (url.searchParams.get('persist') === 'true' || url.searchParams.has('persist[ttl]')) {
      if (stream.private) throw new Refusal('UnableToPersistMessage', NOT_PERSISTED);
      throw new Refusal('InvalidRequest', 'persist can only be used on private channels');
    }
    const body = await readBody(request, limits.payloadBytes, count);
    if (encoding === 'json') parse(body);
    return [{ stream, broadcast: { kind: 'user', event, encoding, bytes: body } }];
  }
  if (url.pathname !== BATCH_PATH) throw new Refusal('NotFound', 'Not found');
  if (type !== JSON_TYPE) throw new Refusal('UnsupportedMediaType', 'Send application/json');
  const body = parse(await readBody(request, limits.frameBytes, count));
  const list = isRecord(body) ? body['messages'] : undefined;
  if (!Array.isArray(list)) throw new Refusal('InvalidRequest', 'messages: an array is required');
  return list.map((entry: unknown) => toMessage(entry, limits.payloadBytes));
}

/** Reads no more than it must: a body without end is cut off at the bound. */
async function readBody(request: Request, limit: number, count: (bytes: number) => void): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    count(chunk.length);
    if (size > limit) throw new Refusal('payload_size_exceeded', 'payload_size_exceeded');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toMessage(entry: unknown, payloadBytes: number): Message {
  if (!isRecord(entry)) throw new Refusal('InvalidRequest', 'messages: each must be an object');
  const { topic, event, payload } = entry;
  for (const [name, value] of Object.entries({ topic, event })) {
    if (typeof value !== 'string' || value === '' || !isStorable(value)) {
      throw new Refusal('InvalidRequest', `${name}: a text is required`);
    }
  }
  if (payload === undefined) throw new Refusal('InvalidRequest', 'payload: a value is required');
  const bytes = Buffer.from(JSON.stringify(payload));
  if (bytes.length > payloadBytes) throw new Refusal('payload_size_exceeded', 'payload_size_exceeded');
  return {
    stream: { topic: topic as string, private: entry['private'] === true },
    broadcast: { kind: 'user', event: event as string, encoding: 'json', bytes },
  };
}

function parse(body: Buffer): unknown {
  try {
    return parseJson(body.toString('utf8'));
  } catch {
    throw new Refusal('InvalidRequest', 'The body is not JSON, or is nested too deeply');
  }
}

function decode(part: string | undefined): string {
  try {
    const text = decodeURIComponent(part ?? '');
    if (isStorable(text)) return text;
  } catch {
    // Said below.
  }
  throw new Refusal('InvalidRequest', 'The path is not valid');
}
function refuse(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
