/** Policies may ask for the headers of the request, as they may with REST. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  PUBLISHABLE_KEY,
  RawClient,
  SECRET_KEY,
  signToken,
  startTestGateway,
  VERSIONS,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  const session = await rooms.connect();
  const isBlue = `current_setting('request.headers', true)::json ->> 'x-colour' = 'bleu'`;
  await session.query(`
    create policy blue on realtime.messages for select to authenticated
      using ((select realtime.topic()) like 'blue:%' and ${isBlue});
    create policy blue_write on realtime.messages for insert to authenticated
      with check ((select realtime.topic()) like 'blue:%' and ${isBlue}
        and current_setting('request.headers', true)::json -> 'accept-language' is null);
    create policy spoken on realtime.messages for insert to authenticated
      with check ((select realtime.topic()) = 'spoken'
        and current_setting('request.headers', true)::json ->> 'accept-language' = 'fr');
  `);
  server = await startTestGateway(rooms, { limits: { headerBytes: 300 } });
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

describe.each(VERSIONS)('serializer %s', (version) => {
  test('a socket’s own `x-` headers, in lower case and no others, are there at the join and at a push', async () => {
    const topic = `blue:${version}`;
    const access_token = await signToken({ sub: randomUUID() });
    const config = { private: true, broadcast: { ack: true } };
    const open = (headers: Record<string, string>): Promise<RawClient> =>
      RawClient.open(server.url, PUBLISHABLE_KEY, { version, headers });
    const red = await open({ 'X-Colour': 'red' });
    expect((await red.join(`realtime:${topic}`, { access_token, config })).response?.reason).toMatch(
      /^Unauthorized: /,
    );
    const blue = await open({ 'X-Colour': 'bleu', 'Accept-Language': 'fr' });
    expect((await blue.join(`realtime:${topic}`, { access_token, config })).status).toBe('ok');
    blue.send('1', '2', `realtime:${topic}`, 'broadcast', { type: 'broadcast', event: 'e', payload: {} });
    expect((await blue.frames.next(({ ref }) => ref === '2')).payload.status).toBe('ok');

    // A line that breaks and comes back with other headers is asked about again.
    server.cut();
    await blue.closed;
    const changed = await open({ 'X-Colour': 'red' });
    expect((await changed.join(`realtime:${topic}`, { access_token, config })).response?.reason).toMatch(
      /^Unauthorized: /,
    );
    changed.socket.close();
  });
});

test('over HTTP all headers of the request are there', async () => {
  const authorization = `Bearer ${await signToken({ sub: randomUUID() })}`;
  const send = async (language: string): Promise<number> => {
    const response = await fetch(`${server.url}/realtime/v1/api/broadcast/spoken/events/e?private=true`, {
      method: 'POST',
      body: '{}',
      headers: {
        apikey: PUBLISHABLE_KEY,
        authorization,
        'content-type': 'application/json',
        'Accept-Language': language,
      },
    });
    return response.status;
  };
  expect([await send('fr'), await send('en')]).toEqual([202, 403]);
});

test('more of them than the bound is refused at the door: half of them would be other headers', async () => {
  await expect(
    RawClient.open(server.url, SECRET_KEY, { headers: { 'x-long': 'x'.repeat(301) } }),
  ).rejects.toThrow('431');
  const client = await RawClient.open(server.url, SECRET_KEY, { headers: { cookie: 'x'.repeat(301) } });
  client.socket.close();
});
