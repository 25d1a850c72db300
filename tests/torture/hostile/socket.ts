/** A WebSocket from an address of one's choice, closed at the end of its strike. */
import { WebSocket } from 'ws';
import type { Scene } from './attack.ts';

export interface HostileSocket extends Disposable {
  ws: WebSocket;
  /** Resolves when the server has closed it, after so many milliseconds, or when the attack is over. */
  closed(limitMs: number): Promise<boolean>;
}

const OPEN_LIMIT_MS = 10_000;

/**
 * Opens a socket with the public key; notes how the server answers.
 *
 * @param from source address
 * @returns `null` when the server does not open it
 */
export async function openSocket(
  { target, record, signal }: Scene,
  from: string,
  version: '1.0.0' | '2.0.0' = '2.0.0',
): Promise<HostileSocket | null> {
  if (signal.aborted) return null;
  const url = `${target.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${target.publishableKey}&vsn=${version}`;
  const ws = new WebSocket(url, {
    localAddress: from,
    perMessageDeflate: false,
    handshakeTimeout: OPEN_LIMIT_MS,
  });
  const closed = new Promise<boolean>((resolve) => ws.once('close', () => resolve(true)));
  const end = (): void => ws.terminate();
  signal.addEventListener('abort', end, { once: true });
  void closed.then(() => signal.removeEventListener('abort', end));
  const outcome = await new Promise<string>((resolve) => {
    ws.once('open', () => resolve('socket opened'));
    ws.once('unexpected-response', (_request, response) => {
      response.destroy();
      resolve(`socket refused with ${response.statusCode}`);
    });
    ws.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? 'away' : signal.aborted ? 'over' : 'socket refused'),
    );
  });
  record.count(outcome);
  if (outcome !== 'socket opened') {
    if (/ 5(?!03)/.test(outcome)) record.wrong(`A socket was answered: ${outcome}`);
    ws.terminate();
    return null;
  }
  return {
    ws,
    closed: (limitMs) => {
      const limit = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => limit.resolve(false), limitMs);
      return Promise.race([closed, limit.promise]).finally(() => clearTimeout(timer));
    },
    [Symbol.dispose]: end,
  };
}
