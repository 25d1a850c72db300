/**
 * Random queries and bodies against the real product: whatever strangers write into names, filters and bodies, the
 * server answers below 500, no filter is lost, and nothing that all objects share is changed.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_PASSWORD } from '../../server/demo.ts';
import { createApiClient, sendOverTheWire } from '../helpers/api.ts';
import { type TestServer, startTestServer } from '../helpers/server.ts';

const RUNS = 400;

let server: TestServer;
let headers: Record<string, string>;

beforeAll(async () => {
  server = await startTestServer();
  const client = createApiClient(server);
  await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
  const { data } = await client.auth.getSession();
  headers = { apikey: server.publishableKey, authorization: `Bearer ${data.session?.access_token}` };
});
afterAll(() => server.stop());

const QUERIES = [
  'name=eq.École',
  'name=not.ilike.*a*',
  'status=in.(active,"archived")',
  'or=(name.eq.a,and(city.is.null,code.not.in.(1,2)))',
  'not.and=(name.like(any).{a*,"b,c"},city.eq."x\\"y")',
  'name=eq(any).{a,b}&order=name.desc.nullslast,id&limit=5&offset=0',
  'school_groups.name=eq.a&select=id,school_groups!inner(name)',
  'created_at=gte.2020-01-01&name=fts(french).école',
];
const SCRAPS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'Null',
  '"',
  "'",
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  ',',
  '.',
  ':',
  '::',
  '!',
  '->',
  '->>',
  '*',
  '%25',
  '\\',
  ' ',
  'not.',
  'eq.',
  'in.(',
  'or=(',
  'and=',
  '&',
  '=',
  'é',
  '\u{1f600}',
  '-1',
  '1e309',
  '0x1',
  'select=',
  'order=',
  'columns=',
  'on_conflict=',
  'id',
  '..',
  '--',
  '/*',
  ';',
  '$1',
];
const METHODS = ['GET', 'HEAD', 'PATCH', 'DELETE'] as const;

/** A text with scraps put in, and pieces cut out, at random places. */
function mutated(seeds: readonly string[], scraps: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({ at: fc.nat(10_000), cut: fc.nat(3), scrap: fc.constantFrom('', ...scraps) });
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([seed, changes]) => {
      let text = seed;
      for (const { at, cut, scrap } of changes) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + scrap + text.slice(place + cut);
      }
      return text;
    });
}

/** The state of what every object of this process inherits; the server runs in it. */
function shared(): string[] {
  const own = Object.getOwnPropertyDescriptors(Object.prototype);
  const functions = Object.values(own).flatMap(({ value }) =>
    typeof value === 'function' ? Object.getOwnPropertyNames(value) : [],
  );
  return [
    ...Object.getOwnPropertyNames(Object.prototype),
    ...functions,
    ...Object.getOwnPropertyNames(Object),
  ];
}

test('no random query loses the filter beside it, breaks the server or changes what objects share', async () => {
  const before = shared();
  const nobody = 'id=eq.00000000-0000-4000-8000-000000000000';
  await fc.assert(
    fc.asyncProperty(mutated(QUERIES, SCRAPS), fc.constantFrom(...METHODS), async (query, method) => {
      const path = `/rest/v1/schools?${encodeURI(query.toWellFormed()).replaceAll('%25', '%')}&${nobody}`;
      const answer = await sendOverTheWire(server.url, path.replaceAll('#', ''), {
        method,
        headers: { ...headers, prefer: 'return=representation' },
        ...(method === 'PATCH' && { body: '{"city":"Nulle part"}' }),
      });
      expect(answer.status).toBeLessThan(500);
      expect(shared()).toEqual(before);
      // A mutation may have made the filter part of a select or an order: what counts is that no row gets through.
      if (answer.status < 300 && answer.text !== '') expect(JSON.parse(answer.text)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  const { rows } = await server.database.query(`select 1 from schools where city = 'Nulle part'`);
  expect(rows).toEqual([]);
});

test('no random body breaks the server or changes what objects share', async () => {
  const before = shared();
  const key = fc.oneof(
    fc.constantFrom('name', 'city', '__proto__', 'constructor', 'toString', 'p_rows', ''),
    fc.string(),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.array(tie('any')),
      fc.array(fc.tuple(key, tie('any'))),
    ),
  })).any;
  // Written by hand: an object literal could not hold `__proto__`.
  const written = fc
    .array(fc.tuple(key, value), { maxLength: 4 })
    .map(
      (pairs) =>
        `{${pairs.map(([name, content]) => `${JSON.stringify(name)}:${JSON.stringify(content)}`).join(',')}}`,
    );
  const body = fc.oneof(
    written,
    fc.array(written, { maxLength: 3 }).map((all) => `[${all.join(',')}]`),
    fc.json(),
  );
  const paths = [
    '/rest/v1/schools',
    '/rest/v1/rpc/check_plan_restrictions',
    '/rest/v1/rpc/import_students',
    '/rest/v1/rpc/nothing',
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, async (path, text) => {
      const answer = await sendOverTheWire(server.url, path, { method: 'POST', headers, body: text });
      expect(answer.status).toBeLessThan(500);
      expect(shared()).toEqual(before);
    }),
    { numRuns: RUNS },
  );
});
