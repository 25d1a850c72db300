/**
 * The process behind swarm.ts: opens sockets, notes when each message reaches each of them, and what each has heard.
 *
 * It speaks just enough WebSocket by itself. Thousands of listeners share one processor here, where each has its own
 * in life: with a library's parser between, the bench would tell how fast this process reads.
 */
import { type Socket, connect } from 'node:net';
import { monotonicMs } from './clock.ts';
import type { Heard } from './delivery.ts';
import type { SwarmNews, SwarmOptions, SwarmOrder } from './swarm.ts';

/** Sockets that are opened at the same time. */
const OPENING = 50;
const HEARTBEAT_MS = 20_000;
/** Far more than what reaches one socket at a time; all share it, because what is read is looked at at once. */
const READ_BUFFER = Buffer.alloc(65_536);
const REVISION = Buffer.from('"rev":');
const OPCODE = { text: 1, binary: 2, ping: 9, pong: 10 } as const;

const HEARTBEAT = textFrame([null, 'heartbeat', 'phoenix', 'heartbeat', {}]);
const EMPTY = Buffer.alloc(0);
const PING = frameOf(OPCODE.ping, EMPTY);

interface Listener {
  socket: Socket;
  state: 'upgrading' | 'joining' | 'joined' | 'gone';
  /** What was read of a frame that is not whole yet. */
  rest: Buffer;
  /** Messages that reached it, as places in `messages`, in their order. */
  heard: number[];
  /** Resolves when the server has answered a ping, or is gone. */
  settled: PromiseWithResolvers<void>;
}

/** Each different message that reached anybody since all was told last. */
let messages: Buffer[] = [];
/** Of each revision: the messages that carry it, who has one of them, and since when. */
const revisions = new Map<number, { places: number[]; reached: Set<Listener>; at: number[] }>();
const listeners: Listener[] = [];

process.on('message', (order: SwarmOrder) => {
  void obey(order).then(tell, (error: unknown) => tell({ kind: 'failed', message: String(error) }));
});
process.once('disconnect', () => process.exit());
setInterval(() => {
  for (const { socket, state } of listeners) if (state === 'joined') socket.write(HEARTBEAT);
}, HEARTBEAT_MS);

function tell(news: SwarmNews): void {
  process.send?.(news);
}

async function obey(order: SwarmOrder): Promise<SwarmNews> {
  if (order.kind === 'open') {
    await openAll(order);
    return { kind: 'opened' };
  }
  await settle();
  if (order.kind === 'tell-heard') {
    const heard = account();
    forget();
    return { kind: 'heard', ...heard };
  }
  return { kind: 'delivered', rev: order.rev, at: revisions.get(order.rev)?.at ?? [] };
}

async function openAll(options: SwarmOptions): Promise<void> {
  let opening = 0;
  await Promise.all(
    Array.from({ length: OPENING }, async () => {
      while (opening < options.size) {
        opening += 1;
        listeners.push(await open(options));
      }
    }),
  );
}

/** A ping's answer comes behind everything that was written before it. */
async function settle(): Promise<void> {
  await Promise.all(
    listeners
      .filter(({ state }) => state !== 'gone')
      .map((listener) => {
        listener.settled = Promise.withResolvers();
        listener.socket.write(PING);
        return listener.settled.promise;
      }),
  );
}

function account(): Heard {
  const orders = new Map<string, Heard['orders'][number]>();
  for (const { heard } of listeners) {
    const key = heard.join(' ');
    const known = orders.get(key) ?? { messages: heard, listeners: 0 };
    known.listeners += 1;
    orders.set(key, known);
  }
  return {
    messages: messages.map((message) => message.toString('utf8')),
    orders: [...orders.values()],
    cutOff: listeners.filter(({ state }) => state === 'gone').length,
  };
}

function forget(): void {
  messages = [];
  revisions.clear();
  for (const listener of listeners) listener.heard = [];
}

/** Joins sent so far: each takes the next token. */
let joins = 0;

/** Opens one socket and joins; resolves when the server has said yes. */
function open({ socketUrl, join }: SwarmOptions): Promise<Listener> {
  const { hostname, port, host, pathname, search } = new URL(socketUrl);
  return new Promise((resolve, reject) => {
    const enter = (): void => {
      listener.state = 'joined';
      resolve(listener);
    };
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback(length) {
          const at = monotonicMs();
          let chunk: Buffer = READ_BUFFER.subarray(0, length);
          if (listener.state === 'upgrading') {
            const head = readHead(listener, chunk);
            if (head === null) return true;
            if (!head.text.startsWith('HTTP/1.1 101')) {
              reject(new Error(`A listener was refused: ${head.text}`));
              return true;
            }
            chunk = head.rest;
            listener.state = 'joining';
            if (join) socket.write(joinFrame(join, (joins += 1)));
            else enter();
          }
          for (const { opcode, data } of readFrames(listener, chunk)) {
            if (opcode === OPCODE.pong) listener.settled.resolve();
            else if (opcode !== OPCODE.text && opcode !== OPCODE.binary) continue;
            else if (listener.state === 'joined') note(listener, data, at);
            else if (data.includes('"status":"ok"')) enter();
            else if (data.includes('"status":"error"')) {
              reject(new Error(`A listener was refused: ${data.toString()}`));
            }
          }
          return true;
        },
      },
    });
    const listener: Listener = {
      socket,
      state: 'upgrading',
      rest: EMPTY,
      heard: [],
      settled: Promise.withResolvers(),
    };
    socket.on('error', reject);
    socket.on('close', () => {
      listener.state = 'gone';
      listener.settled.resolve();
      reject(new Error('The server closed a listener'));
    });
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  });
}

/** The answer to the upgrade, once it is whole, and what came behind it. */
function readHead(listener: Listener, chunk: Buffer): { text: string; rest: Buffer } | null {
  const all = Buffer.concat([listener.rest, chunk]);
  const end = all.indexOf('\r\n\r\n');
  listener.rest = end < 0 ? all : EMPTY;
  return end < 0 ? null : { text: all.toString('latin1', 0, end), rest: all.subarray(end + 4) };
}

/** The whole frames in what was read; what is left over is kept for the next time. */
function readFrames(listener: Listener, chunk: Buffer): Array<{ opcode: number; data: Buffer }> {
  const all = listener.rest.length > 0 ? Buffer.concat([listener.rest, chunk]) : chunk;
  const frames: Array<{ opcode: number; data: Buffer }> = [];
  let from = 0;
  while (all.length - from >= 2) {
    const short = (all[from + 1] as number) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (all.length - from < head) break;
    const length =
      short === 126
        ? all.readUInt16BE(from + 2)
        : short === 127
          ? Number(all.readBigUInt64BE(from + 2))
          : short;
    if (all.length - from < head + length) break;
    frames.push({
      opcode: (all[from] as number) & 0x0f,
      data: all.subarray(from + head, from + head + length),
    });
    from += head + length;
  }
  // The buffer is read into again: what is kept must be a copy.
  listener.rest = from === all.length ? EMPTY : Buffer.from(all.subarray(from));
  return frames;
}

/** Notes a message with a revision; others, such as replies, are the protocol's own. */
function note(listener: Listener, data: Buffer, at: number): void {
  const found = data.indexOf(REVISION);
  if (found < 0) return;
  const digits = data.toString('latin1', found + REVISION.length, found + REVISION.length + 16);
  const rev = Number.parseInt(digits, 10);
  const known = revisions.get(rev) ?? { places: [], reached: new Set(), at: [] };
  revisions.set(rev, known);
  let place = known.places.find((candidate) => messages[candidate]?.equals(data));
  if (place === undefined) {
    place = messages.push(Buffer.from(data)) - 1;
    known.places.push(place);
  }
  listener.heard.push(place);
  if (known.reached.has(listener)) return;
  known.reached.add(listener);
  known.at.push(at);
  if (known.at.length === listeners.length) tell({ kind: 'delivered', rev, at: known.at });
}

function joinFrame({ topic, token }: NonNullable<SwarmOptions['join']>, place: number): Buffer {
  const own = typeof token === 'string' ? token : token[place % token.length];
  const payload = { config: { private: true }, access_token: own };
  return textFrame(['1', '1', `realtime:${topic}`, 'phx_join', payload]);
}

function textFrame(message: unknown[]): Buffer {
  return frameOf(OPCODE.text, Buffer.from(JSON.stringify(message)));
}

/** One frame of a client, of at most 65,535 bytes; masked, as the standard wants, with zeros. */
function frameOf(opcode: number, data: Buffer): Buffer {
  const length =
    data.length < 126 ? [0x80 | data.length] : [0x80 | 126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), data]);
}
