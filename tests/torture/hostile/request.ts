/** One HTTP request from an address of one's choice, with anything in it, and what came back of it. */
import { request as openRequest } from 'node:http';

export interface Answer {
  /**
   * HTTP status. `closed`: the connection ended without an answer; `late`: none came in time; `over`: the attack ended
   * first; `away`: nobody listens.
   */
  status: number | 'closed' | 'late' | 'over' | 'away';
  /** Length of what was read of the body, bytes. */
  bytes: number;
  /** The beginning of the body. */
  text: string;
}

export interface Sending {
  /** Source address. */
  from: string;
  method?: string;
  /** Request target as it goes over the wire. */
  path: string;
  headers?: Record<string, string>;
  /** Body in pieces; sent while the server takes them, until an answer comes. Chunked unless a length is declared. */
  body?: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Longest wait for the whole answer, milliseconds. */
  limitMs?: number;
  signal: AbortSignal;
}

const LIMIT_MS = 15_000;
/** So much of an answer is read at most, bytes; the rest is cut off. */
const MOST_READ = 32 * 1_048_576;
const KEPT = 2_000;

/** Sends one request on a connection of its own, which is closed afterwards. Never throws. */
export async function send(url: string, sending: Sending): Promise<Answer> {
  const { from, method = 'GET', path, headers = {}, body, limitMs = LIMIT_MS, signal } = sending;
  const { hostname, port } = new URL(url);
  const answer: Answer = { status: 'closed', bytes: 0, text: '' };
  if (signal.aborted) return { ...answer, status: 'over' };
  const late = AbortSignal.timeout(limitMs);
  const end = AbortSignal.any([signal, late]);
  return new Promise((resolve) => {
    const request = openRequest({
      host: hostname,
      port,
      method,
      path,
      headers,
      localAddress: from,
      agent: false,
      signal: end,
    });
    const settle = (): void => {
      if (typeof answer.status !== 'number' && end.aborted) answer.status = late.aborted ? 'late' : 'over';
      resolve(answer);
      request.destroy();
    };
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') answer.status = 'away';
      settle();
    });
    request.on('close', settle);
    request.on('response', (response) => {
      answer.status = response.statusCode ?? 'closed';
      response.on('error', settle);
      response.on('end', settle);
      response.on('data', (chunk: Buffer) => {
        if (answer.text.length < KEPT) answer.text += chunk.toString('latin1', 0, KEPT);
        answer.bytes += chunk.length;
        if (answer.bytes > MOST_READ) settle();
      });
    });
    void write(request, body ?? []);
  });
}

async function write(
  request: ReturnType<typeof openRequest>,
  body: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  let isAnswered = false;
  request.once('response', () => (isAnswered = true));
  const closed = new Promise<void>((resolve) => request.once('close', resolve));
  for await (const piece of body) {
    if (isAnswered || request.destroyed) return;
    if (!request.write(piece)) {
      await Promise.race([closed, new Promise<void>((resolve) => request.once('drain', resolve))]);
    }
  }
  if (!request.destroyed) request.end();
}
