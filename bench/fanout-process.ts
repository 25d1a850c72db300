/** The servers that fanout.ts compares, each in a process of its own: the gateway alone, and `ws` with nothing around it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Sender, WebSocketServer } from 'ws';
import { createRealtimeGateway } from '../server/realtime/gateway.ts';
import type { GatewayOptions } from '../server/realtime/options.ts';
import { monotonicMs } from './clock.ts';

export interface Message {
  topic: string;
  payload: object;
  secretKey: string;
}

export type FanoutOrder =
  | {
      kind: 'gateway';
      options: Pick<GatewayOptions, 'databaseUrl' | 'jwtSecret' | 'publishableKeys' | 'secretKeys'>;
    }
  | { kind: 'bare' }
  | ({ kind: 'publish' } & Message)
  | { kind: 'measure' };

export interface Publication {
  /** Monotonic milliseconds. */
  startedAt: number;
  /** Until every socket was written to, milliseconds, and the processor time of the process meanwhile. */
  writtenMs: number;
  cpuMs: number;
}

/** Bytes, after a garbage collection; and how many sockets are open. */
export interface Memory extends Pick<NodeJS.MemoryUsage, 'rss' | 'heapUsed' | 'external'> {
  sockets: number;
}

export type FanoutNews =
  | { kind: 'listening'; port: number }
  | ({ kind: 'published' } & Publication)
  | ({ kind: 'memory' } & Memory);

interface Room {
  server: Server;
  publish(message: Message): Promise<void>;
  countSockets(): number;
}

let room: Room | undefined;

process.on('message', (order: FanoutOrder) => {
  void obey(order).then((news) => process.send?.(news));
});
process.once('disconnect', () => process.exit());

async function obey(order: FanoutOrder): Promise<FanoutNews> {
  if (order.kind === 'measure') return { kind: 'memory', ...(await measure()) };
  if (order.kind === 'publish') {
    const cpu = process.cpuUsage();
    const startedAt = monotonicMs();
    await room?.publish(order);
    // Sockets that were held back are written to when the turn ends.
    await new Promise(setImmediate);
    const writtenMs = monotonicMs() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    return { kind: 'published', startedAt, writtenMs, cpuMs: (user + system) / 1000 };
  }
  room = order.kind === 'gateway' ? await createGatewayRoom(order.options) : createBareRoom();
  const { server } = room;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { kind: 'listening', port: (server.address() as AddressInfo).port };
}

async function createGatewayRoom(options: GatewayOptions): Promise<Room> {
  // Ten thousand sockets of two accounts, from one address, opened at once.
  const limits = {
    strangers: 20_000,
    strangersPerNetwork: 20_000,
    joinsPerSecondPerNetwork: 20_000,
    socketsPerAccount: 20_000,
    joinsPerSecondPerAccount: 20_000,
    waitingPerBearer: 20_000,
    membersPerTopic: 20_000,
  };
  const gateway = await createRealtimeGateway({ ...options, limits });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  return {
    server,
    countSockets: () => gateway.health().connections,
    async publish({ topic, payload, secretKey }) {
      const answer = await gateway.fetch(
        new Request('http://localhost/realtime/v1/api/broadcast', {
          method: 'POST',
          headers: { apikey: secretKey, 'content-type': 'application/json' },
          body: JSON.stringify({ messages: [{ topic, event: 'note', payload, private: true }] }),
        }),
      );
      if (answer.status !== 202) throw new Error(`The gateway answered ${answer.status}`);
    },
  };
}

/** The ceiling: a loop that writes one prepared frame to every socket. */
function createBareRoom(): Room {
  const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    webSockets.handleUpgrade(request, socket, head, (opened) => {
      sockets.add(socket);
      opened.on('close', () => sockets.delete(socket));
    });
  });
  return {
    server,
    countSockets: () => sockets.size,
    async publish({ payload }) {
      const data = Buffer.from(JSON.stringify(payload));
      const parts = Sender.frame(data, { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false });
      const frame = Buffer.concat(parts);
      for (const socket of sockets) socket.write(frame);
    },
  };
}

async function measure(): Promise<Memory> {
  // What the first collection lets go of, the second gives back.
  for (let collection = 0; collection < 2; collection++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external, sockets: room?.countSockets() ?? 0 };
}
