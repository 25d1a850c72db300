/** The net under every listener, timer and promise of a socket: what nobody foresaw costs one socket, not the process. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient, startTestGateway, within, type TestGateway } from '../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import { SILENT_LOGGER } from './options.ts';

let rooms: Rooms;
let server: TestGateway;
let honest: RawClient;
/** Messages for which the logger throws: a real part in which something unforeseen happens. */
const failing = new Set<string>();
const logged: string[] = [];

beforeAll(async () => {
  const log = (_fields: object, message: string): void => {
    if (failing.has(message)) throw new Error('nobody foresaw this');
  };
  rooms = await createRooms();
  server = await startTestGateway(rooms, {
    logger: { ...SILENT_LOGGER, debug: log, info: log, error: (_fields, message) => logged.push(message) },
  });
  honest = await RawClient.open(server.url);
  await honest.join('realtime:shared');
});
afterAll(async () => {
  honest.socket.close();
  await server.stop();
  await rooms.drop();
});

async function expectOneCaught(where: string, message: string): Promise<void> {
  failing.clear();
  const { values } = await server.metrics.getSingleMetric('realtime_exceptions_total')!.get();
  expect(values.find(({ labels }) => labels['where'] === where)?.value).toBe(1);
  expect(logged.splice(0)).toEqual([message]);
  await rooms.tell('shared', where, {}, false);
  await within(
    honest.binary.next((frame) => frame.includes(where)),
    'a message for the others',
  );
}

test('an exception in a listener closes its socket with 1008, and no other', async () => {
  failing.add('ignored a malformed frame');
  const client = await RawClient.open(server.url);
  client.socket.send('{');
  expect(await within(client.closed, 'the close')).toBe(1008);
  await expectOneCaught('message', 'closed a socket after an unexpected exception');
});

test('an exception after an answer of the database closes its socket with 1008, and no other', async () => {
  failing.add('join refused');
  const client = await RawClient.open(server.url);
  client.send('1', '1', 'realtime:private', 'phx_join', { config: { private: true } });
  expect(await within(client.closed, 'the close')).toBe(1008);
  await expectOneCaught('join', 'closed a socket after an unexpected exception');
});

test('an exception in an upgrade cuts its connection, and no other', async () => {
  failing.add('connection refused');
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/elsewhere`);
  await within(new Promise((resolve) => socket.once('error', resolve)), 'the cut');
  await expectOneCaught('upgrade', 'refused an upgrade after an unexpected exception');
});
