/** Requests of forms that no browser sends: other methods, absolute targets, characters that end a text. */
import { pick } from '../../chance.ts';
import type { Attack, Scene } from '../attack.ts';
import { keyed, signed } from '../headers.ts';
import { refused } from '../record.ts';
import { send } from '../request.ts';

interface Odd {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

const PROFILES = ['auth', 'pg_catalog', 'realtime', 'storage', 'private'];
const METHODS = ['PROPFIND', 'REPORT', 'LINK', 'SEARCH', 'PURGE', 'TRACE', 'COPY', 'LOCK'];

const FORMS: readonly ((scene: Scene) => Odd)[] = [
  ({ random }) => ({
    method: pick(METHODS, random),
    path: pick(
      ['/rest/v1/users', '/rest/v1/schools', '/storage/v1/object/documents/x', '/auth/v1/token'],
      random,
    ),
    headers: { 'content-profile': pick(PROFILES, random), 'accept-profile': pick(PROFILES, random) },
  }),
  ({ random }) => ({ path: '/rest/v1/users', headers: { 'accept-profile': pick(PROFILES, random) } }),
  () => ({ path: 'http://stranger.example/rest/v1/schools' }),
  ({ target }) => ({ path: `${target.url}/rest/v1/x?__proto__=eq.1` }),
  ({ target }) => ({
    method: 'OPTIONS',
    path: `http://stranger.example:${new URL(target.url).port}/rest/v1/x`,
  }),
  () => ({ path: '/rest/v1/schools?name=eq.%00' }),
  () => ({ path: '/rest/v1/schools?name=in.(a,%00)' }),
  () => ({ path: '/rest/v1/sch%00ools' }),
  () => ({ path: '/rest/v1/schools?select=na%00me' }),
  () => ({ method: 'POST', path: '/rest/v1/rpc/can_access_module', body: '{"p_module": "a\\u0000"}' }),
  () => ({ path: '/rest/v1/schools?%=eq.1' }),
  () => ({ path: '/rest/v1/schools', headers: { 'x-long': 'x'.repeat(20_000) } }),
  () => ({ path: '/rest/v1/schools', headers: { host: 'stranger.example' } }),
];

export const oddRequests: Attack = {
  name: 'odd requests',
  sends: 'PROPFIND and others with Content-Profile, absolute targets, NUL, foreign hosts, 20 KB of headers',
  unharmed: '4xx',
  lanes: 4,
  pauseMs: 40,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const { method = 'GET', path, headers = {}, body } = pick(FORMS, random)(scene);
    const answer = await send(target.url, {
      from: address(),
      method,
      path,
      headers: {
        ...pick([keyed(scene), signed(scene)], random),
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal,
      ...(body === undefined ? {} : { body: [Buffer.from(body)] }),
    });
    record.answer(`${method} ${path} ${JSON.stringify(headers)}`, answer, refused);
  },
};
