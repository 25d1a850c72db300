// @vitest-environment node
import { expect, it } from 'vitest';
import { isHostAllowed } from './host.ts';

it.each([
  ['127.0.0.1:54321', true],
  ['localhost', true],
  ['[::1]:54321', true],
  ['epilot.localhost:54321', true],
  ['evil.example:54321', false],
  ['127.0.0.1.evil.example', false],
  ['', false],
  ['not a host', false],
  [undefined, false],
])('a server of this machine alone answers to Host %s: %s', (header, allowed) => {
  expect(isHostAllowed(header, true)).toBe(allowed);
});

it('a server of the network answers to any name', () => {
  expect(isHostAllowed('epilot.example', false)).toBe(true);
});
