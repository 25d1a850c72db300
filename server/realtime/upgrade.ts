/** The door: an HTTP upgrade becomes a socket of a known bearer, or is refused with a JSON body. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { RealtimeError } from './errors.ts';
import type { Version } from './frames.ts';
import type { Session, Sessions } from './sessions.ts';

export const SOCKET_PATH = '/realtime/v1/websocket';

/** Why a connection is refused. */
export interface Refusal {
  status: 400 | 401 | 404 | 429 | 431 | 503;
  /** Label of the metric. */
  reason: string;
  message: string;
}

/** Who comes in. */
export interface Guest {
  version: Version;
  session: Session;
  network: string;
  /** The `x-` headers of the request, for policies: a JSON object with keys in lower case. */
  headers: string;
}

export interface UpgradeOptions {
  sessions: Sessions;
  /** Largest frame a client may send, bytes. */
  frameBytes: number;
  /** Most that is kept of the headers, bytes. */
  headerBytes: number;
  /** A reason to let nobody in now. */
  closedDoor: () => Refusal | null;
  /** A reason not to let this bearer in. */
  closedTo: (session: Session, network: string) => Refusal | null;
  networkOf: (request: IncomingMessage) => string;
  onRefused: (refusal: Refusal) => void;
  /** An exception that nobody foresaw; the socket is cut. */
  onBroken: (error: unknown) => void;
  onOpen: (ws: WebSocket, socket: Duplex, guest: Guest) => void;
}

/** @returns the handler of an HTTP server's `upgrade` event */
export function createUpgradeHandler(
  options: UpgradeOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  // Compression costs 240 KB a connection and saves little on messages of 300 bytes.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.frameBytes,
    // `ws` would answer each ping whatever waits unsent: a client that pings and never reads would fill the memory.
    autoPong: false,
  });

  const admit = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const answer = await inspect(request, options);
    if ('status' in answer) {
      options.onRefused(answer);
      return refuse(socket, answer);
    }
    if (socket.destroyed) return;
    socket.removeListener('error', ignoreError);
    server.handleUpgrade(request, socket, head, (ws) => options.onOpen(ws, socket, answer));
  };

  return (request, socket, head) => {
    // The client may go away while its token is verified or its refusal written; a bare HTTP server does not listen.
    socket.on('error', ignoreError);
    admit(request, socket, head).catch((error: unknown) => {
      options.onBroken(error);
      socket.destroy();
    });
  };
}

async function inspect(request: IncomingMessage, options: UpgradeOptions): Promise<Refusal | Guest> {
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (url?.pathname !== SOCKET_PATH) return { status: 404, reason: 'NotFound', message: 'Not found' };
  const closed = options.closedDoor();
  if (closed) return closed;
  const wanted = url.searchParams.get('vsn') ?? '1.0.0';
  const version = versionOf(wanted);
  if (!version) {
    return { status: 400, reason: 'UnsupportedVersion', message: `Unsupported serializer version ${wanted}` };
  }
  const header = request.headers['x-api-key'];
  const key = (Array.isArray(header) ? header[0] : header) ?? url.searchParams.get('apikey');
  if (!key) return { status: 401, reason: 'ApiKeyMissing', message: 'An API key is required' };
  try {
    const session = await options.sessions.ofKey(key);
    const network = options.networkOf(request);
    const closedTo = options.closedTo(session, network);
    if (closedTo) return closedTo;
    const headers = headersOf(request);
    if (Buffer.byteLength(headers) <= options.headerBytes) return { version, session, network, headers };
    return { status: 431, reason: 'HeadersTooLarge', message: 'The x- headers of the request are too large' };
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    return { status: 401, reason: error.code, message: error.reason };
  }
}

/** As Supabase sets them for policies; Node has their names in lower case. */
function headersOf({ headers }: IncomingMessage): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-'))),
  );
}

/** Each 1.0.x and 2.0.x, as Supabase matches them. */
function versionOf(vsn: string): Version | null {
  const match = /^([12])\.0\.(?:0|[1-9]\d*)$/.exec(vsn);
  if (!match) return null;
  return match[1] === '1' ? '1.0.0' : '2.0.0';
}

function refuse(socket: Duplex, { status, message }: Refusal): void {
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      'Content-Type: application/json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function ignoreError(): void {}
