/** Honest people beside noise: they wait, and are never refused because of others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashSync } from '@node-rs/bcrypt';
import { type Account, PASSWORD, createSignIn } from '../../tests/helpers/accounts.ts';
import { requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
let honest: Account[];

beforeAll(async () => {
  server = await startTestServer({ seeds: false, trustedProxies: ['127.0.0.1'] });
  const hash = hashSync(PASSWORD, 10);
  honest = [];
  for (let n = 0; n < 12; n++) honest.push(await createSignIn(server.database, { hash }));
});
afterAll(() => server.stop());

async function attempt(email: string, password: string, address: string): Promise<number> {
  const response = await requestApi(server, '/auth/v1/token?grant_type=password', {
    method: 'POST',
    headers: { 'x-forwarded-for': address },
    body: JSON.stringify({ email, password }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Loops of wrong passwords until told to stop; `addressOf` says where each comes from. */
function makeNoise(loops: number, addressOf: (loop: number) => string): () => Promise<void> {
  const stopping = new AbortController();
  let serial = 0;
  const running = Array.from({ length: loops }, async (_, loop) => {
    while (!stopping.signal.aborted) await attempt(`noise${serial++}@nowhere.test`, 'wrong', addressOf(loop));
  });
  return async () => {
    stopping.abort();
    await Promise.all(running);
  };
}

/** Wrong passwords of one address until its failures are spent; on accounts whose hashes take no time. */
async function spendFailures(address: string): Promise<void> {
  for (let n = 0; n < 10; n++) {
    const { email } = await createSignIn(server.database);
    await Promise.all(Array.from({ length: 10 }, () => attempt(email, 'wrong', address)));
  }
}

describe('twelve honest sign-ins', () => {
  it('behind the address of twelve looping connections are all let in', async () => {
    const address = '203.0.113.1';
    await spendFailures(address);
    const stop = makeNoise(12, () => address);
    const statuses = await Promise.all(honest.map(({ email }) => attempt(email, PASSWORD, address)));
    await stop();
    expect(statuses).toEqual(honest.map(() => 200));
  }, 120_000);

  it('beside forty looping addresses are all let in', async () => {
    const stop = makeNoise(40, (loop) => `198.51.100.${loop}`);
    const statuses = await Promise.all(
      honest.map(({ email }, n) => attempt(email, PASSWORD, `192.0.2.${n}`)),
    );
    await stop();
    expect(statuses).toEqual(honest.map(() => 200));
  }, 120_000);
});
