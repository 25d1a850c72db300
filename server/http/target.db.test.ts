/** Requests as no library would send them: what stands in the first line and in `Host`, over a raw socket. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
let here: string;
beforeAll(async () => {
  server = await startTestServer({ seeds: false });
  here = new URL(server.url).host;
});
afterAll(() => server.stop());

/** Sends a request and gives all that came back; `@` in it is the server's own address. */
function send(lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n').replaceAll('@', here)}\r\nConnection: close\r\n\r\n`);
  });
}
const status = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

describe('a server of this machine alone', () => {
  it.each([
    [['GET /config.json HTTP/1.1', 'Host: @'], 200],
    [['GET http://@/config.json HTTP/1.1', 'Host: @'], 200],
    // The name that counts is the target's.
    [['GET http://evil.example/config.json HTTP/1.1', 'Host: @'], 421],
    [['GET http://evil.example/config.json HTTP/1.1', 'Host: evil.example'], 421],
    [['GET http://@/config.json HTTP/1.1', 'Host: evil.example'], 421],
    [['GET http://localhost/config.json HTTP/1.1', 'Host: @'], 400],
    [['GET https://127.0.0.1@evil.example/ HTTP/1.1', 'Host: @'], 400],
    [['GET http://a:b@@/config.json HTTP/1.1', 'Host: @'], 400],
    [['GET ftp://@/config.json HTTP/1.1', 'Host: @'], 400],
    [['GET http:///config.json HTTP/1.1', 'Host: @'], 400],
    [['GET http://[::1/config.json HTTP/1.1', 'Host: @'], 400],
    [['GET http://@:99999/ HTTP/1.1', 'Host: @'], 400],
    [['OPTIONS * HTTP/1.1', 'Host: @'], 400],
    [['GET config.json HTTP/1.1', 'Host: @'], 400],
    [['GET ?x HTTP/1.1', 'Host: @'], 400],
    [['GET \\config.json HTTP/1.1', 'Host: @'], 400],
    [['GET /config.json HTTP/1.1', 'Host: @', 'Host: evil.example'], 400],
    [['GET /config.json HTTP/1.1', 'Host: @', 'Host: @'], 400],
    [['GET /config.json HTTP/1.1', 'Host:'], 400],
    [['GET /config.json HTTP/1.1'], 400],
    [['GET /config.json HTTP/1.0'], 400],
    [['GET /config.json HTTP/1.1', 'Host: user:secret@@'], 400],
    [['GET /config.json HTTP/1.1', 'Host: @/path'], 400],
    [['GET /config.json HTTP/1.1', 'Host: @?x'], 400],
    [['GET /config.json HTTP/1.1', 'Host: not a host'], 400],
    [['GET /config.json HTTP/1.1', 'Host: 127.0.0.1:99999'], 400],
    [['GET /config.json HTTP/1.1', 'Host: evil.example'], 421],
    // A path that looks like an address is a path.
    [['GET //evil.example/config.json HTTP/1.1', 'Host: @'], 404],
    [['GET //:bad/rest/v1/ HTTP/1.1', 'Host: @'], 200],
    [['GET /\\evil.example HTTP/1.1', 'Host: @'], 400],
  ])('answers %j with %i', async (lines, expected) => {
    expect(status(await send(lines))).toBe(expected);
  });

  it.each(['/%zz', '/%00', '/rest/v1/%zz', '/auth/v1/%ff%fe', '/storage/v1/object/%zz', '/a?%', '/?\u00ff'])(
    'answers GET %s in some way, and not with 500',
    async (path) => {
      const answer = await send([`GET ${path} HTTP/1.1`, 'Host: @']);
      expect(status(answer)).toBeLessThan(500);
    },
  );

  it.each([
    [['GET http://evil.example/realtime/v1/websocket HTTP/1.1', 'Host: @'], 421],
    [['GET http://@/realtime/v1/websocket HTTP/1.1', 'Host: evil.example'], 421],
    [['GET /realtime/v1/websocket HTTP/1.1', 'Host: evil.example'], 421],
    [['GET /realtime/v1/websocket HTTP/1.1', 'Host: @', 'Host: evil.example'], 400],
    [['GET /realtime/v1/websocket HTTP/1.1', 'Host:'], 400],
    [['GET /realtime/v1/websocket HTTP/1.1', 'Host: a@b@c'], 400],
    [['GET http://[::1/realtime/v1/websocket HTTP/1.1', 'Host: @'], 400],
    [['GET * HTTP/1.1', 'Host: @'], 400],
    [['GET //:bad HTTP/1.1', 'Host: @'], 404],
    [['GET /realtime/v1/websocket HTTP/1.1', 'Host: @'], 401],
  ])('answers the upgrade %j with %i', async (lines, expected) => {
    expect(status(await send([...lines, ...UPGRADE]))).toBe(expected);
  });

  it('is as well as before', async () => {
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});
