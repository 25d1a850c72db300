/**
 * The process behind swarm.ts: opens sockets and notes when each message reaches each of them.
 *
 * It speaks just enough WebSocket by itself. Thousands of listeners share one processor here, where each has its own
 * in life: with a library's parser between, the bench would tell how fast this process reads.
 */
import { type Socket, connect } from 'node:net';
import { monotonicMs } from './clock.ts';
import type { SwarmNews, SwarmOptions } from './swarm.ts';

/** Sockets that are opened at the same time. */
const OPENING = 50;
const HEARTBEAT_MS = 20_000;
/** Far more than what reaches one socket at a time; all share it, because what is read is looked at at once. */
const READ_BUFFER = Buffer.alloc(65_536);
const REVISION = Buffer.from('"rev":');
const HEARTBEAT = frameOf([null, 'heartbeat', 'phoenix', 'heartbeat', {}]);

const arrivals = new Map<number, number[]>();

process.once('message', (options: SwarmOptions) => {
  void openAll(options).then(
    () => tell({ kind: 'ready' }),
    (error: unknown) => tell({ kind: 'failed', message: String(error) }),
  );
});
process.once('disconnect', () => process.exit());

function tell(news: SwarmNews): void {
  process.send?.(news);
}

async function openAll(options: SwarmOptions): Promise<void> {
  const sockets: Socket[] = [];
  let opened = 0;
  await Promise.all(
    Array.from({ length: OPENING }, async () => {
      while (opened < options.size) {
        opened += 1;
        sockets.push(await open(options));
      }
    }),
  );
  if (!options.join) return;
  setInterval(() => {
    for (const socket of sockets) socket.write(HEARTBEAT);
  }, HEARTBEAT_MS);
}

/** Opens one socket and joins; resolves when the server has said yes. */
function open({ socketUrl, join, size }: SwarmOptions): Promise<Socket> {
  const { hostname, port, host, pathname, search } = new URL(socketUrl);
  return new Promise((resolve, reject) => {
    let state: 'upgrading' | 'joining' | 'joined' = 'upgrading';
    const advance = (chunk: Buffer): void => {
      const text = chunk.toString('latin1');
      if (state === 'upgrading') {
        if (!text.startsWith('HTTP/1.1 101')) return reject(new Error(`A listener was refused: ${text}`));
        state = join ? 'joining' : 'joined';
        if (join) socket.write(joinFrame(join));
      } else if (text.includes('"status":"ok"')) state = 'joined';
      else if (text.includes('"status":"error"')) reject(new Error(`A listener was refused: ${text}`));
      if (state === 'joined') resolve(socket);
    };
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback(length) {
          const at = monotonicMs();
          const chunk = READ_BUFFER.subarray(0, length);
          if (state === 'joined') note(chunk, at, size);
          else advance(chunk);
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server closed a listener')));
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  });
}

/** Notes each message in what was read. One that is cut in two is not found, and the bench says that it is missing. */
function note(chunk: Buffer, at: number, size: number): void {
  for (let found = chunk.indexOf(REVISION); found >= 0; found = chunk.indexOf(REVISION, found + 1)) {
    const digits = chunk.toString('latin1', found + REVISION.length, found + REVISION.length + 16);
    const rev = Number.parseInt(digits, 10);
    const times = arrivals.get(rev) ?? [];
    arrivals.set(rev, times);
    if (times.push(at) < size) continue;
    arrivals.delete(rev);
    tell({ kind: 'delivered', rev, at: times });
  }
}

function joinFrame({ topic, token }: NonNullable<SwarmOptions['join']>): Buffer {
  const payload = { config: { private: true }, access_token: token };
  return frameOf(['1', '1', `realtime:${topic}`, 'phx_join', payload]);
}

/** One text frame of a client, of at most 65,535 bytes; masked, as the standard wants, with zeros. */
function frameOf(message: unknown[]): Buffer {
  const data = Buffer.from(JSON.stringify(message));
  const length =
    data.length < 126 ? [0x80 | data.length] : [0x80 | 126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), data]);
}
