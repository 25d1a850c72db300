/**
 * Broadcast over HTTP:
 *   POST /realtime/v1/api/broadcast                                  {messages: [{topic, event, payload, private?}]}
 *   POST /realtime/v1/api/broadcast/{topic}/events/{event}?private=true   JSON or octet-stream
 * Both answer 202 when the messages are on their way.
 */
import type { Context } from './connection.ts';
import type { Broadcast } from './encode.ts';
import { RealtimeError } from './errors.ts';
import { isRecord } from './frames.ts';
import type { StreamName } from './hub.ts';
import { parseJson } from './nesting.ts';
import type { Limits } from './options.ts';
import type { Session } from './sessions.ts';

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
  UnsupportedMediaType: 415,
  WriteDenied: 403,
  payload_size_exceeded: 413,
} as const;

class Refusal extends Error {
  readonly reason: keyof typeof STATUS;

  constructor(reason: keyof typeof STATUS, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** @returns the handler of `/realtime/v1/api/*` */
export function createRestHandler(context: Context): (request: Request) => Promise<Response> {
  const { authorizer, hub, limits, metrics, sessions } = context;
  const budget = new Budget(limits.restMessagesPerSecond, context.now);

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
    const messages = await readMessages(request, limits);
    if (!budget.take(session.token, messages.length)) {
      throw new Refusal('RestRateLimitReached', 'Too many messages per second');
    }
    // All are allowed before the first is sent: a batch is not half delivered.
    const topics = new Set(messages.flatMap(({ stream }) => (stream.private ? [stream.topic] : [])));
    for (const topic of topics) {
      if (!(await authorizer.canWrite(session, topic, 'broadcast'))) {
        throw new Refusal('WriteDenied', `You do not have permissions to write to this topic: ${topic}`);
      }
    }
    for (const { stream, broadcast } of messages) {
      metrics.messages.inc({ source: 'rest' });
      hub.publish(stream, broadcast);
    }
    return new Response(null, { status: 202 });
  };

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (error instanceof Refusal) {
        metrics.refusals.inc({ reason: error.reason });
        return refuse(STATUS[error.reason], error.message);
      }
      if (!(error instanceof RealtimeError)) throw error;
      metrics.refusals.inc({ reason: error.code });
      return refuse(error.code === 'UnableToSetPolicies' ? 503 : 401, error.reason);
    }
  };
}

/** How many messages each bearer may still send in this second. */
class Budget {
  readonly #limit: number;
  readonly #now: () => number;
  #second = 0;
  readonly #spent = new Map<string, number>();

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  take(bearer: string, count: number): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) this.#spent.clear();
    this.#second = second;
    const spent = (this.#spent.get(bearer) ?? 0) + count;
    this.#spent.set(bearer, spent);
    return spent <= this.#limit;
  }
}

async function readMessages(request: Request, limits: Limits): Promise<Message[]> {
  const url = new URL(request.url);
  const type = request.headers.get('content-type')?.split(';')[0]?.trim();
  const one = ONE_PATH.exec(url.pathname);
  if (one) {
    const encoding =
      type === 'application/json' ? 'json' : type === 'application/octet-stream' ? 'raw' : null;
    if (!encoding) {
      throw new Refusal('UnsupportedMediaType', 'Send application/json or application/octet-stream');
    }
    if (url.searchParams.has('persist') || url.searchParams.has('persist[ttl]')) {
      throw new Refusal('InvalidRequest', 'persist is not served; store messages with realtime.send()');
    }
    const event = decode(one[2]);
    const stream = { topic: decode(one[1]), private: url.searchParams.get('private') === 'true' };
    const body = await readBody(request, limits.payloadBytes);
    if (encoding === 'json') parse(body);
    return [{ stream, broadcast: { kind: 'user', event, encoding, bytes: body } }];
  }
  if (url.pathname !== BATCH_PATH) throw new Refusal('NotFound', 'Not found');
  if (type !== 'application/json') throw new Refusal('UnsupportedMediaType', 'Send application/json');
  const body = parse(await readBody(request, limits.frameBytes));
  const list = isRecord(body) ? body['messages'] : undefined;
  if (!Array.isArray(list)) throw new Refusal('InvalidRequest', 'messages: an array is required');
  return list.map((entry: unknown) => toMessage(entry, limits.payloadBytes));
}

/** Reads no more than it must: a body without end is cut off at the bound. */
async function readBody(request: Request, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new Refusal('payload_size_exceeded', 'payload_size_exceeded');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toMessage(entry: unknown, payloadBytes: number): Message {
  if (!isRecord(entry)) throw new Refusal('InvalidRequest', 'messages: each must be an object');
  const { topic, event, payload } = entry;
  for (const [name, value] of Object.entries({ topic, event })) {
    if (typeof value !== 'string' || value === '') {
      throw new Refusal('InvalidRequest', `${name}: a text is required`);
    }
  }
  if (payload === undefined) throw new Refusal('InvalidRequest', 'payload: a value is required');
  const bytes = Buffer.from(JSON.stringify(payload));
  if (bytes.length > payloadBytes) throw new Refusal('payload_size_exceeded', 'payload_size_exceeded');
  return {
    stream: { topic: String(topic), private: entry['private'] === true },
    broadcast: { kind: 'user', event: String(event), encoding: 'json', bytes },
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
    return decodeURIComponent(part ?? '');
  } catch {
    throw new Refusal('InvalidRequest', 'The path is not valid');
  }
}

function refuse(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
