// @vitest-environment node
import type { IncomingMessage } from 'node:http';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { Arrivals } from './arrivals.ts';
import { Listener } from './listener.ts';
import { type Client, createClientReader, createNetworkReader, networkOf } from './trusted-proxies.ts';

const PROXY = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'e.example',
};

let listener: Listener | undefined;
afterEach(async () => {
  listener?.stopAccepting();
  await listener?.drain();
});

/** What a server that trusts `proxies` believes of a request from 127.0.0.1. */
async function clientSeen(
  proxies: readonly string[],
  headers: Record<string, string>,
): Promise<Client & { url: string }> {
  const readClient = createClientReader(proxies);
  const app = new Hono().get('/', (context) => context.json(readClient(context)));
  listener = new Listener();
  const arrivals = new Arrivals({
    knowsToken: () => false,
    isCrowded: () => false,
    networkOf: () => '',
    now: Date.now,
  });
  const url = await listener.listen(
    { host: '127.0.0.1', port: 0 },
    { arrivals, fetch: app.fetch, upgrade: (_request, socket) => socket.destroy() },
  );
  const response = await fetch(url, { headers });
  return { ...((await response.json()) as Client), url };
}

describe('what a request says of a proxy', () => {
  it.each([[[]], [['10.0.0.0/8']]])(
    'is not believed from this machine when %o is trusted',
    async (proxies) => {
      const { address, origin, url } = await clientSeen(proxies, PROXY);
      expect({ address, origin }).toEqual({ address: '127.0.0.1', origin: url });
    },
  );

  it.each(['127.0.0.1', '127.0.0.0/8'])('is believed from the trusted %s', async (proxy) => {
    expect(await clientSeen([proxy], PROXY)).toMatchObject({
      address: '203.0.113.7',
      origin: 'https://e.example',
    });
  });

  it.each([
    ['203.0.113.7, 198.51.100.1', '198.51.100.1', 'what the client wrote itself'],
    ['203.0.113.7, 10.1.2.3', '203.0.113.7', 'a second proxy'],
    ['10.9.9.9, 10.1.2.3', '10.9.9.9', 'a client among the proxies'],
    ['203.0.113.7:4711, [fd00::1]:80', '203.0.113.7', 'ports'],
    ['::ffff:203.0.113.7', '203.0.113.7', 'IPv4 in the form of IPv6'],
    ['203.0.113.7, nonsense', '127.0.0.1', 'what is no address'],
    ['', '127.0.0.1', 'an empty list'],
  ])('as the hops %o is read as %s: %s', async (hops, address) => {
    const proxies = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];
    expect(await clientSeen(proxies, { 'x-forwarded-for': hops })).toMatchObject({ address });
  });

  it('is believed only as far as the nearest proxy wrote it', async () => {
    const headers = { 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'evil.example, e.example' };
    expect(await clientSeen(['127.0.0.1'], headers)).toMatchObject({ origin: 'https://e.example' });
  });

  it('is not believed as a name that is none', async () => {
    const { origin, url } = await clientSeen(['127.0.0.1'], { 'x-forwarded-host': 'a; script-src *' });
    expect(origin).toBe(url);
  });
});

describe('the network of an address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s is %s', (address, network) => expect(networkOf(address)).toBe(network));
});

describe('the network of an upgrade', () => {
  it.each([
    ['127.0.0.1', [], '203.0.113.7', '127.0.0.1'],
    ['127.0.0.1', ['127.0.0.1'], '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], '2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3::4', ['10.0.0.0/8'], undefined, '2001:db8:1:2::/64'],
  ])('from %s, with %o trusted, and the hops %o, is %s', (peer, proxies, hops, network) => {
    const headers = hops === undefined ? {} : { 'x-forwarded-for': hops };
    const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage;
    expect(createNetworkReader(proxies)(request)).toBe(network);
  });
});
