/** The real Supabase client over a server in memory that has one session, whose tokens it can make stale or end. */
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import type { EndReason } from '../session.ts';
import { createRefresher, type Refresher } from './refresher.ts';
import { createTokenStore, type TokenStore } from './tokenStore.ts';

const ORIGIN = 'http://server.test';
const KEY = 'sb-server-auth-token';
const LIFE = 3_600;
const YEAR_MS = 365 * 86_400_000;

const tokenOf = (subject: string, n: number) =>
  `h.${btoa(JSON.stringify({ sub: subject, n })).replaceAll('=', '')}.s`;

/** A server whose clock is right. */
function createServer() {
  const server = {
    /** Number of the only access token it takes. */
    good: 1,
    exchanges: 0,
    /** Bodies of the requests that it did. */
    done: [] as string[],
    exchange: (): Response | Promise<Response> => {
      server.good += 1;
      return Response.json({
        access_token: tokenOf('anna', server.good),
        refresh_token: `r${server.good}`,
        expires_in: LIFE,
        expires_at: Math.floor(Date.parse('2025-11-17T09:00:00Z') / 1_000) + LIFE,
        token_type: 'bearer',
        user: { id: 'anna' },
      });
    },
    fetch: (async (input, init) => {
      const address = input instanceof Request ? input.url : String(input);
      if (address.includes('/auth/v1/token')) {
        server.exchanges += 1;
        return server.exchange();
      }
      const token = new Headers(init?.headers).get('authorization');
      if (token !== `Bearer ${tokenOf('anna', server.good)}`) return server.refuse(address);
      server.done.push(typeof init?.body === 'string' ? init.body : '');
      return Response.json([]);
    }) as typeof fetch,
    refuse: (address: string): Response =>
      address.includes('/storage/')
        ? Response.json({ statusCode: '403', error: 'Unauthorized', message: 'jwt expired' }, { status: 400 })
        : address.includes('/auth/')
          ? Response.json({ error_code: 'bad_jwt', msg: 'invalid JWT' }, { status: 403 })
          : Response.json({ code: 'PGRST303', message: 'JWT expired' }, { status: 401 }),
  };
  return server;
}

let clock: FakeClock;
let server: ReturnType<typeof createServer>;
let store: TokenStore;
let refresher: Refresher;
let supabase: SupabaseClient;
const onRenewed = vi.fn<() => void>();
const onEnded = vi.fn<(reason: EndReason) => void>();

/** A page of the browser; what `localStorage` holds stays from one to the next. */
function openPage() {
  store = createTokenStore(KEY, clock);
  refresher = createRefresher({
    url: ORIGIN,
    publishableKey: 'key',
    store,
    lock: (run) => run(),
    clock,
    fetch: server.fetch,
    onRenewed,
    onEnded,
  });
  supabase = createClient(ORIGIN, 'key', {
    db: { retry: false },
    global: { fetch: refresher.fetch },
    // Begun by the first request: what begins by itself would still run when a test has changed the clock.
    auth: { storageKey: KEY, storage: store.forClient, autoRefreshToken: false, skipAutoInitialize: true },
  });
}

function signIn() {
  store.write({
    access_token: tokenOf('anna', 1),
    refresh_token: 'r1',
    expires_in: LIFE,
    expires_at: 0,
    ...{ user: { id: 'anna' }, token_type: 'bearer' },
  });
  refresher.storedChanged();
}

const NINE = Date.parse('2025-11-17T09:00:00Z');

/** Starts over on a computer whose clock says `now`. */
function start(now: number) {
  vi.useFakeTimers({ toFake: ['Date'], now });
  localStorage.clear();
  onRenewed.mockReset();
  onEnded.mockReset();
  clock = createFakeClock(now);
  server = createServer();
  openPage();
  signIn();
}

async function advance(seconds: number) {
  await clock.advance(seconds * 1_000);
  vi.setSystemTime(clock.now());
}

beforeEach(() => {
  start(NINE);
  return () => vi.useRealTimers();
});

const ask = async (n: number) => await supabase.rpc('act', { n });

describe('an answer 401', () => {
  test('renews once for twenty requests at once, and each is done once', async () => {
    server.good = 5;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(server.exchanges).toBe(1);
    expect(server.done.sort()).toEqual(Array.from({ length: 20 }, (_, n) => `{"n":${n}}`).sort());
    expect(onRenewed).toHaveBeenCalledOnce();
    expect(onEnded).not.toHaveBeenCalled();
  });

  test('of storage and of the account is the same thing in other words', async () => {
    server.good = 5;
    expect((await supabase.storage.from('documents').list('a')).error).toBeNull();
    server.good = 9;
    await advance(10);
    expect((await supabase.auth.getUser()).error).toBeNull();
    expect(server.exchanges).toBe(2);
  });

  test('without an answer to the exchange fails as a lost line, and asks for nobody’s password', async () => {
    server.good = 5;
    const { exchange } = server;
    server.exchange = () => Promise.reject(new TypeError('Failed to fetch'));
    expect(await ask(1)).toMatchObject({ status: 0 });
    server.exchange = () => new Response('busy', { status: 503 });
    expect(await ask(1)).toMatchObject({ status: 0 });
    server.exchange = () => Response.json({ error_code: 'over_request_rate_limit' }, { status: 429 });
    expect(await ask(1)).toMatchObject({ status: 0 });
    expect(onEnded).not.toHaveBeenCalled();
    expect(store.read()?.refresh_token).toBe('r1');
    server.exchange = exchange;
    await advance(10);
    expect(await ask(2)).toMatchObject({ status: 200 });
  });

  test.each([
    ['refresh_token_not_found', 'closed'],
    ['refresh_token_already_used', 'closed'],
    ['session_expired', 'expired'],
    ['user_banned', 'disabled'],
  ])('and an exchange refused with %s end the session: %s', async (error_code, reason) => {
    server.good = 5;
    server.exchange = () => Response.json({ error_code, msg: '…' }, { status: 400 });
    expect(await ask(1)).toMatchObject({ status: 401 });
    expect(onEnded).toHaveBeenCalledExactlyOnceWith(reason);
  });

  test('to a renewed token too goes on to the caller: nothing goes round in circles', async () => {
    server.good = 5;
    const { exchange } = server;
    server.exchange = async () => {
      const answer = await exchange();
      server.good += 1;
      return answer;
    };
    expect(await ask(1)).toMatchObject({ status: 401 });
    expect(await ask(2)).toMatchObject({ status: 401 });
    expect(server.exchanges).toBe(1);
    expect(onEnded).not.toHaveBeenCalled();
  });

  test('is not answered in the name of another person, who signed in in another tab meanwhile', async () => {
    server.good = 5;
    const { refuse } = server;
    server.refuse = (address) => {
      store.write({ ...store.read()!, access_token: tokenOf('berta', 7), refresh_token: 'r7' });
      return refuse(address);
    };
    expect(await ask(1)).toMatchObject({ status: 401 });
    expect(server.done).toEqual([]);
  });

  test('for want of a second factor or of the key renews nothing', async () => {
    server.refuse = () => Response.json({ error_code: 'insufficient_aal', msg: '…' }, { status: 401 });
    server.good = 5;
    expect((await supabase.auth.updateUser({ password: 'another-password' })).error?.code).toBe(
      'insufficient_aal',
    );
    expect(server.exchanges).toBe(0);
  });
});

describe.each([
  ['right', 0],
  ['five hours ahead', 5 * 3_600_000],
  ['five hours behind', -5 * 3_600_000],
  ['three years ahead', 3 * YEAR_MS],
  ['three years behind', -3 * YEAR_MS],
])('with a clock that is %s', (_, offset) => {
  beforeEach(() => start(NINE + offset));

  test('a fresh token is used as it is', async () => {
    for (let n = 0; n < 5; n += 1) expect(await ask(n)).toMatchObject({ status: 200 });
    expect(await refresher.renewWhenDue()).toBe('renewed');
    expect(server.exchanges).toBe(0);
  });

  test('the token is renewed once before its end, and once more before the next', async () => {
    await advance(LIFE / 2);
    expect(server.exchanges).toBe(0);
    await advance(LIFE / 2 - 60);
    expect(server.exchanges).toBe(1);
    expect(await ask(1)).toMatchObject({ status: 200 });
    await advance(LIFE - 60);
    expect(server.exchanges).toBe(2);
  });
});

test('a clock that is put right while a page is open costs one exchange', async () => {
  start(NINE + 3 * YEAR_MS);
  clock = createFakeClock(NINE);
  vi.setSystemTime(NINE);
  openPage();
  expect(await refresher.renewWhenDue()).toBe('renewed');
  expect(await refresher.renewWhenDue()).toBe('renewed');
  expect(server.exchanges).toBe(1);
});

test('a sign-out in the middle of an exchange stays a sign-out', async () => {
  server.good = 5;
  const { exchange } = server;
  server.exchange = async () => {
    store.remove();
    return exchange();
  };
  expect(await ask(1)).toMatchObject({ status: 401 });
  expect(store.read()).toBeNull();
  expect(onEnded).not.toHaveBeenCalled();
});

test('what another tab renewed is taken without an exchange', async () => {
  server.good = 5;
  const { refuse } = server;
  server.refuse = (address) => {
    store.write({ ...store.read()!, access_token: tokenOf('anna', 5), refresh_token: 'r5' });
    return refuse(address);
  };
  expect(await ask(1)).toMatchObject({ status: 200 });
  expect(server.exchanges).toBe(0);
});

test('no answer is asked for again at once, and then less and less often', async () => {
  server.exchange = () => Promise.reject(new TypeError('Failed to fetch'));
  await advance(LIFE - 60);
  expect(server.exchanges).toBeGreaterThan(10);
  expect(server.exchanges).toBeLessThan(120);
});
