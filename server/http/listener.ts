import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { ServerError, errorCode } from '../errors.ts';
import type { Arrivals } from './arrivals.ts';
import { tooManyRequests } from './refusal.ts';

/** Time for the requests in progress when the server stops, milliseconds. */
const DRAIN_MS = 5_000;
/** Longest time a client may take to send a request, milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The same for a file: the largest one at a megabit a second, milliseconds. */
const UPLOAD_TIMEOUT_MS = 900_000;
/**
 * Connections that may wait to be accepted, as far as the system allows it. Beyond it the system drops the first packet
 * of a connection, and the client tries again a second later, then three: Node's own 511 are few when every screen comes
 * back at once.
 */
const BACKLOG = 4_096;

export interface Address {
  host: string;
  /** 0 lets the system choose. */
  port: number;
}

interface Handlers {
  /** Says when a request or an upgrade begins. */
  arrivals: Pick<Arrivals, 'request' | 'upgrade'>;
  fetch: Parameters<typeof getRequestListener>[0];
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** The HTTP server, with an end in two steps: sockets are closed by their owner between them. */
export class Listener {
  readonly #server: Server = createServer({
    requestTimeout: UPLOAD_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
  });

  /**
   * Begins to answer.
   *
   * @returns the origin, such as `http://127.0.0.1:54321`
   * @throws ServerError `port_in_use` or `config_invalid`
   */
  async listen(address: Address, { arrivals, fetch, upgrade }: Handlers): Promise<string> {
    const answer = getRequestListener(fetch);
    const refuse = getRequestListener(tooManyRequests);
    this.#server.on('request', (request, response) => {
      limitDuration(request);
      const begins = arrivals.request(request, response, () => void answer(request, response));
      if (!begins) void refuse(request, response);
    });
    this.#server.on('upgrade', (request, socket, head) => {
      // The client may hang up while the socket waits, is refused or is served: this one handler stays for all three.
      socket.on('error', () => socket.destroy());
      if (!arrivals.upgrade(request, () => upgrade(request, socket, head))) socket.destroy();
    });
    await listen(this.#server, address);
    const { port } = this.#server.address() as { port: number };
    return `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`;
  }

  /** Takes no further connection; those that are open go on. */
  stopAccepting(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Lets the requests in progress end, then cuts what is left. */
  async drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (performance.now() < deadline && (await this.#openConnections()) > 0) {
      this.#server.closeIdleConnections();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#server.closeAllConnections();
  }

  #openConnections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((error, count) => resolve(error ? 0 : count));
    });
  }
}

const timers = new WeakMap<object, NodeJS.Timeout>();

/** Cuts a client that sends the body of its request too slowly. */
function limitDuration(request: IncomingMessage): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const timer = setTimeout(() => request.complete || request.destroy(), REQUEST_TIMEOUT_MS).unref();
  timers.set(request, timer);
  request.once('close', () => clearTimeout(timer));
}

/**
 * Gives a request the time of an upload. Danger: only once the database has admitted it, or strangers hold sockets.
 *
 * @param env what the listener gave the app with the request; without one, as in a test of a handler, nothing happens
 */
export function extendDuration(env: unknown): void {
  const { incoming } = (env ?? {}) as { incoming?: object };
  if (incoming) clearTimeout(timers.get(incoming));
}

/**
 * Finds a taken port before anything slow is started.
 *
 * @throws ServerError as {@link Listener.listen}
 */
export async function probeAddress(address: Address): Promise<void> {
  if (address.port === 0) return;
  const probe = createServer();
  await listen(probe, address);
  await new Promise((resolve) => probe.close(resolve));
}

async function listen(server: Server, { host, port }: Address): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(explain(cause, host, port)));
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

function explain(cause: Error, host: string, port: number): unknown {
  switch (errorCode(cause)) {
    case 'EADDRINUSE':
      return new ServerError(
        'port_in_use',
        `Port ${port} on ${host} is taken by another program.`,
        'Stop that program, or choose another port: PORT=54400 npm start.',
        cause,
      );
    case 'EACCES':
      return new ServerError(
        'port_in_use',
        `The current user may not listen on port ${port}.`,
        'Choose a port above 1023: PORT=54321 npm start.',
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ServerError(
        'config_invalid',
        `${host} is no address of this machine.`,
        'Set HOST to 127.0.0.1, 0.0.0.0 or an address of this machine.',
        cause,
      );
    default:
      return cause;
  }
}
