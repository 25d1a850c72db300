// @vitest-environment node
/** Upgrades whose socket errors at once. From the arrival to the end the listener hears it: it costs that socket only. */
import { connect } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import type { Gateway } from '../realtime/options.ts';
import { Arrivals, type ArrivalOptions } from './arrivals.ts';
import { Listener } from './listener.ts';
import { createUpgradeHandler } from './upgrade.ts';

type Upgrade = Gateway['handleUpgrade'];

const PATH = '/realtime/v1/websocket';
const thrown: unknown[] = [];
const record = (error: unknown): void => void thrown.push(error);
/** As a client does that resets its connection. */
const cut: Upgrade = (_request, socket) => void socket.destroy(new Error('read ECONNRESET'));

let listener: Listener;
beforeEach(() => {
  listener = new Listener();
  thrown.length = 0;
  process.on('uncaughtExceptionMonitor', record);
  return async () => {
    process.off('uncaughtExceptionMonitor', record);
    listener.stopAccepting();
    await listener.drain();
  };
});

/** A client asks for an upgrade; its socket errors, nothing is thrown, and the next request is answered. */
async function expectService(
  path: string,
  upgrade: Upgrade,
  networkOf: ArrivalOptions['networkOf'] = () => '',
): Promise<void> {
  const hadError = Promise.withResolvers<boolean>();
  const arrivals = new Arrivals({
    knowsToken: () => false,
    isCrowded: () => false,
    networkOf: (request) => {
      if (request.headers.upgrade) request.socket.once('close', hadError.resolve);
      return networkOf(request);
    },
    now: Date.now,
  });
  const url = await listener.listen(
    { host: '127.0.0.1', port: 0 },
    { arrivals, fetch: () => new Response('served'), upgrade },
  );
  const { host, port } = new URL(url);
  const client = connect(Number(port), '127.0.0.1').on('error', () => {});
  client.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  expect(await hadError.promise).toBe(true);
  expect(await (await fetch(url)).text()).toBe('served');
  expect(thrown).toEqual([]);
}

test('a client that goes away while it waits for its turn harms nobody', async () => {
  const upgrade = createUpgradeHandler({ handleUpgrade: () => {} }, true);
  await expectService(PATH, upgrade, (request) => {
    if (request.headers.upgrade) request.socket.destroy(new Error('read ECONNRESET'));
    return '';
  });
});

test('a client that goes away while its refusal is written harms nobody', async () => {
  const upgrade = createUpgradeHandler({ handleUpgrade: () => expect.unreachable() }, true);
  await expectService('/elsewhere', (request, socket, head) => {
    upgrade(request, socket, head);
    cut(request, socket, head);
  });
});

test('a client that goes away when the gateway takes it over harms nobody', async () => {
  await expectService(PATH, createUpgradeHandler({ handleUpgrade: cut }, true));
});
