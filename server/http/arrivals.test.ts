// @vitest-environment node
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { Arrivals } from './arrivals.ts';

const KNOWN = 'eyKnown';
const begun: string[] = [];
let isCrowded = false;
const arrivals = new Arrivals({
  knowsToken: (token) => token === KNOWN,
  isCrowded: () => isCrowded,
  networkOf: ({ headers }) => String(headers['x-network']),
  now: () => 0,
});
/** Answers are given when the test says so. */
const open: ServerResponse[] = [];
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  arrivals.request(request, response, () => {
    begun.push(String(request.headers['x-network']));
    open.push(response);
  });
});
const listening = new Promise<string>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('lets who has signed in begin at once, while one stranger after the other waits for that answer', async () => {
  const url = await listening;
  const ask = (network: string, token?: string): Promise<Response> =>
    fetch(url, {
      headers: { 'x-network': network, ...(token && { authorization: `Bearer ${token}` }) },
    });
  const honest = ask('honest', KNOWN);
  await expect.poll(() => begun).toEqual(['honest']);
  // The clock stands still, so the gap between two strangers does not end.
  const strangers = ['a', 'b', 'c'].map((network) => ask(network));
  await expect.poll(() => begun).toHaveLength(2);
  const second = ask('honest again', KNOWN);
  await expect.poll(() => begun.at(-1)).toBe('honest again');
  expect(begun).toHaveLength(3);
  const comer = ask('a token that was never seen', 'eyOther');
  await expect.poll(() => begun).toHaveLength(4);

  for (const response of open) response.end();
  await Promise.all([honest, second, comer]);
  await expect.poll(() => begun).toHaveLength(6);
  for (const response of open) response.end();
  expect((await Promise.all(strangers)).map(({ status }) => status)).toEqual([200, 200, 200]);
});

it('forgets who has gone away before the beginning', async () => {
  const url = await listening;
  const before = begun.length;
  const honest = fetch(url, { headers: { 'x-network': 'h', authorization: `Bearer ${KNOWN}` } });
  await expect.poll(() => begun).toHaveLength(before + 1);
  const leaving = new AbortController();
  const gone = fetch(url, { headers: { 'x-network': 'gone' }, signal: leaving.signal });
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  await expect.poll(connections).toBeGreaterThan(1);
  const waiting = await connections();
  leaving.abort();
  await expect(gone).rejects.toThrow('aborted');
  await expect.poll(connections).toBeLessThan(waiting);
  const stays = fetch(url, { headers: { 'x-network': 'stays' } });
  for (const response of open) response.end();
  await honest;
  await expect.poll(() => begun.at(-1)).toBe('stays');
  for (const response of open) response.end();
  await stays;
  expect(begun).not.toContain('gone');
});

it('opens sockets a few at a time while a crowd has shown no token and somebody waits for an answer', async () => {
  const url = await listening;
  const opened: number[] = [];
  const upgrade = (n: number): boolean =>
    arrivals.upgrade({ headers: { 'x-network': 'x' } } as unknown as IncomingMessage, () => opened.push(n));
  const all = Array.from({ length: 12 }, (_, n) => n);
  isCrowded = true;
  for (const n of all) upgrade(n);
  await expect.poll(() => opened).toEqual(all);

  const before = begun.length;
  const honest = fetch(url, { headers: { 'x-network': 'h', authorization: `Bearer ${KNOWN}` } });
  await expect.poll(() => begun).toHaveLength(before + 1);
  opened.length = 0;
  for (const n of all) upgrade(n);
  // The clock stands still, so the gap after the first few does not end; a stranger's turn comes all the same.
  const stranger = fetch(url, { headers: { 'x-network': 'later', authorization: 'Bearer eyOther' } });
  await expect.poll(() => begun.at(-1)).toBe('later');
  expect(opened.length).toBeLessThan(all.length);
  isCrowded = false;
  await expect.poll(() => opened).toEqual(all);
  for (const response of open) response.end();
  await Promise.all([honest, stranger]);
});
