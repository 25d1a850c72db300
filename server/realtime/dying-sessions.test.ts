// @vitest-environment node
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createAsk } from './asking.ts';
import { openPool, openReplication } from './dying-sessions.ts';
import { DEFAULT_LIMITS, SILENT_LOGGER } from './options.ts';

/** What PostgreSQL sends: a letter, the length, the rest. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A PostgreSQL that dies as it lets somebody in: both are in one piece, and read in one go. */
const WELCOME_AND_DEATH = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('Z', Buffer.from('I')),
  message(
    'E',
    Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
  ),
]);

let server: Server;
let connectionString: string;
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeAll(async () => {
  process.on('uncaughtException', note);
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(WELCOME_AND_DEATH));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connectionString = `postgres://a@127.0.0.1:${(server.address() as AddressInfo).port}/b`;
});
afterEach(() => expect(uncaught.splice(0)).toEqual([]));
afterAll(() => {
  process.off('uncaughtException', note);
  server.close();
});

test('a question on a session that dies as it opens fails, and the process lives', async () => {
  const pool = openPool({ connectionString, max: 1 }, SILENT_LOGGER);
  await expect(createAsk(pool, DEFAULT_LIMITS)('select 1;')).rejects.toThrow('not queryable');
  await pool.end();
});

test('a feed on a session that dies as it opens fails, and the process lives', async () => {
  const service = openReplication({ connectionString });
  service.on('error', () => {});
  const plugin = { start: (client: { query(text: string): Promise<unknown> }) => client.query('select 1') };
  await expect(service.subscribe(plugin as never, 'slot', '0/0')).rejects.toThrow('not queryable');
  await service.destroy();
});
