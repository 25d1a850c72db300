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
import type { Session } from './sessions.ts';

const BATCH_PATH = '/realtime/v1/api/broadcast';
const ONE_PATH = /^\/realtime\/v1\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/;

interface Message {
  stream: StreamName;
  broadcast: Broadcast & { kind: 'user' };
}

/** A refusal with its HTTP status. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @returns the handler of `/realtime/v1/api/*` */
export function createRestHandler(context: Context): (request: Request) => Promise<Response> {
  const { authorizer, hub, limits, metrics, sessions } = context;

  const bearerOf = async (request: Request): Promise<Session> => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
    const key = request.headers.get('apikey') ?? request.headers.get('x-api-key');
    const own = key ? await sessions.ofKey(key) : null;
    // The client sends its key as the bearer when nobody is signed in.
    if (bearer && bearer !== key) return sessions.ofKey(bearer);
    if (own) return own;
    throw new HttpError(401, 'An API key is required');
  };

  const answer = async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') throw new HttpError(405, 'Use POST');
    const session = await bearerOf(request);
    const messages = await readMessages(request, limits.payloadBytes);
    // All are allowed before the first is sent: a batch is not half delivered.
    for (const { stream } of messages) {
      if (stream.private && !(await authorizer.canWrite(session, stream.topic, 'broadcast'))) {
        throw new HttpError(403, `You do not have permissions to write to this topic: ${stream.topic}`);
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
      if (error instanceof HttpError) return refusal(error.status, error.message);
      if (!(error instanceof RealtimeError)) throw error;
      metrics.refusals.inc({ reason: error.code });
      return refusal(error.code === 'UnableToSetPolicies' ? 503 : 401, error.reason);
    }
  };
}

async function readMessages(request: Request, payloadBytes: number): Promise<Message[]> {
  const url = new URL(request.url);
  const type = request.headers.get('content-type')?.split(';')[0]?.trim();
  const one = ONE_PATH.exec(url.pathname);
  if (one) {
    const body = Buffer.from(await request.arrayBuffer());
    if (body.length > payloadBytes) throw new HttpError(413, 'payload_size_exceeded');
    const encoding =
      type === 'application/json' ? 'json' : type === 'application/octet-stream' ? 'raw' : null;
    if (!encoding) throw new HttpError(415, 'Send application/json or application/octet-stream');
    if (encoding === 'json') parse(body.toString('utf8'));
    const event = decode(one[2]);
    const stream = { topic: decode(one[1]), private: url.searchParams.get('private') === 'true' };
    return [{ stream, broadcast: { kind: 'user', event, encoding, bytes: body } }];
  }
  if (url.pathname !== BATCH_PATH) throw new HttpError(404, 'Not found');
  if (type !== 'application/json') throw new HttpError(415, 'Send application/json');
  const body = parse(await request.text());
  const list = isRecord(body) ? body['messages'] : undefined;
  if (!Array.isArray(list)) throw new HttpError(422, 'messages: an array is required');
  return list.map((entry: unknown) => toMessage(entry, payloadBytes));
}

function toMessage(entry: unknown, payloadBytes: number): Message {
  if (!isRecord(entry)) throw new HttpError(422, 'messages: each must be an object');
  const { topic, event, payload } = entry;
  if (typeof topic !== 'string' || topic === '') throw new HttpError(422, 'topic: a text is required');
  if (typeof event !== 'string' || event === '') throw new HttpError(422, 'event: a text is required');
  if (payload === undefined) throw new HttpError(422, 'payload: a value is required');
  const bytes = Buffer.from(JSON.stringify(payload));
  if (bytes.length > payloadBytes) throw new HttpError(413, 'payload_size_exceeded');
  return {
    stream: { topic, private: entry['private'] === true },
    broadcast: { kind: 'user', event, encoding: 'json', bytes },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(422, 'The body is not JSON');
  }
}

function decode(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    throw new HttpError(422, 'The path is not valid');
  }
}

function refusal(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
