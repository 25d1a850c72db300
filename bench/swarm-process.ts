/** The process behind swarm.ts: opens sockets and notes when each message reaches each of them. */
import { WebSocket } from 'ws';
import { monotonicMs } from './clock.ts';
import type { SwarmNews, SwarmOptions } from './swarm.ts';

/** Sockets that are opened at the same time. */
const OPENING = 50;
const HEARTBEAT_MS = 20_000;
const REVISION = Buffer.from('"rev":');
const HEARTBEAT = JSON.stringify([null, 'heartbeat', 'phoenix', 'heartbeat', {}]);

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
  const sockets: WebSocket[] = [];
  await Promise.all(
    Array.from({ length: OPENING }, async () => {
      while (sockets.length < options.size) {
        const socket = new WebSocket(options.socketUrl, { perMessageDeflate: false });
        sockets.push(socket);
        await open(socket, options);
      }
    }),
  );
  if (options.join) {
    setInterval(() => {
      for (const socket of sockets) socket.send(HEARTBEAT);
    }, HEARTBEAT_MS);
  }
}

function open(socket: WebSocket, { join, size }: SwarmOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`A listener was closed with ${code}`)));
    socket.once('open', () => {
      if (!join) return resolve();
      const payload = { config: { private: true }, access_token: join.token };
      socket.send(JSON.stringify(['1', '1', `realtime:${join.topic}`, 'phx_join', payload]));
    });
    socket.on('message', (data: Buffer) => {
      const at = monotonicMs();
      const found = data.indexOf(REVISION);
      if (found >= 0)
        return note(Number.parseInt(data.toString('latin1', found + REVISION.length), 10), at, size);
      const text = data.toString();
      if (text.includes('"status":"ok"')) resolve();
      else if (text.includes('"status":"error"')) reject(new Error(`A listener was refused: ${text}`));
    });
  });
}

function note(rev: number, at: number, size: number): void {
  const times = arrivals.get(rev) ?? [];
  arrivals.set(rev, times);
  if (times.push(at) < size) return;
  arrivals.delete(rev);
  tell({ kind: 'delivered', rev, at: times });
}
