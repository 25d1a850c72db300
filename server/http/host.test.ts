// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { judgeTarget } from './host.ts';

/** The judgement of a request with this target and these `Host` headers. */
function judge(url: string, hosts: readonly string[], loopback = true): number | null {
  return judgeTarget(
    { url, rawHeaders: ['Accept', 'host', ...hosts.flatMap((host) => ['HoSt', host])] },
    loopback,
  );
}

it.each([
  ['127.0.0.1:54321', null],
  ['localhost', null],
  ['[::1]:54321', null],
  ['epilot.localhost:54321', null],
  ['evil.example:54321', 421],
  ['127.0.0.1.evil.example', 421],
  ['', 400],
  ['not a host', 400],
  ['localhost@evil.example', 400],
  ['localhost/', 400],
])('a server of this machine alone judges Host “%s”: %s', (host, judgement) => {
  expect(judge('/', [host])).toBe(judgement);
});

describe('a server of the network', () => {
  it('answers to any name', () => {
    expect(judge('/', ['epilot.example'], false)).toBeNull();
    expect(judge('http://epilot.example/', ['epilot.example:80'], false)).toBeNull();
  });

  it('refuses a target that is not what Host names, and more than one Host', () => {
    expect(judge('http://evil.example/', ['epilot.example'], false)).toBe(400);
    expect(judge('/', ['epilot.example', 'evil.example'], false)).toBe(400);
    expect(judge('/', [], false)).toBe(400);
  });
});
