import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Gateway } from '../realtime/options.ts';
import { judgeTarget } from './host.ts';

const PATH = '/realtime/v1/websocket';

/** Hands the upgrades of the realtime path to the gateway and refuses all others. The listener handles the socket's errors. */
export function createUpgradeHandler(gateway: Pick<Gateway, 'handleUpgrade'>, loopback: boolean) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const refused = judgeTarget(request, loopback);
    if (refused) return refuse(socket, refused, refused === 421 ? 'host_not_allowed' : 'bad_host');
    const path = request.url?.split('?', 1)[0];
    if (path !== PATH) return refuse(socket, 404, 'not_found');
    gateway.handleUpgrade(request, socket, head);
  };
}

function refuse(socket: Duplex, status: number, code: string): void {
  const body = JSON.stringify({ code, message: `No WebSocket is served here; use ${PATH}.` });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
