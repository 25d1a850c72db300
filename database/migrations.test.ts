/** How the migrations are written: the law of CONVENTIONS.md that PostgreSQL's catalogue can not show. */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readMigrations, type Migration } from '../server/migrate.ts';

const WIDTH = 110;

let migrations: Migration[];
beforeAll(async () => {
  migrations = await readMigrations(join(import.meta.dirname, 'migrations'));
});

it('no line is longer than 110 columns', () => {
  expect(migrations.length).toBeGreaterThan(0);
  expect(
    migrations.flatMap(({ version, sql }) =>
      sql.split('\n').flatMap((line, index) => (line.length > WIDTH ? [`${version}:${index + 1}`] : [])),
    ),
  ).toEqual([]);
});

it('no file is longer than 350 lines but the two that hold the tables and the engine', () => {
  const long = migrations.filter(({ sql }) => sql.trimEnd().split('\n').length > 350);
  expect(long.map(({ version }) => version)).toEqual(['001', '002']);
});

// Until the first release. After it a migration is never changed again, and a later one replaces what it must.
it('each function, view, policy and trigger stands once', () => {
  const where = Map.groupBy(
    migrations.flatMap(({ version, sql }) => definitionsIn(sql).map((name) => ({ name, version }))),
    ({ name }) => name,
  );
  expect(where.size).toBeGreaterThan(200);
  const twice = [...where].filter(([, places]) => places.length > 1);
  expect(
    twice.map(([name, places]) => `${name}: ${places.map(({ version }) => version).join(', ')}`),
  ).toEqual([]);
});

it('a function of other arguments is another function, and one of other names is not', () => {
  const [a, b, c] = definitionsIn(`
create function private.f(p_a int, out b text default ', )') returns text
create or replace function private.f (p_other int default coalesce(1, 2))
create function private.f(p_a numeric(4, 3))`);
  expect([a, b, c]).toEqual([
    'function private.f(int)',
    'function private.f(int)',
    'function private.f(numeric(4, 3))',
  ]);
});

/** What a migration defines: `function schema.name(types)`, `view schema.name`, `policy "name" on table`, … */
function definitionsIn(sql: string): string[] {
  const functions = [...sql.matchAll(/^create (?:or replace )?function ([\w.]+)\s*\(/gm)].map(
    (match) => `function ${match[1]}(${argumentTypes(sql.slice(match.index + match[0].length))})`,
  );
  const views = [...sql.matchAll(/^create (?:or replace )?view ([\w.]+)/gm)].map(
    (match) => `view ${match[1]}`,
  );
  const policies = [...sql.matchAll(/^create policy ("[^"]+")\s+on ([\w.]+)/gm)].map(
    (match) => `policy ${match[1]} on ${match[2]}`,
  );
  const triggers = [
    ...sql.matchAll(/^create (?:or replace )?(?:constraint )?trigger (\w+)[^;]*?\son ([\w.]+)/gm),
  ].map((match) => `trigger ${match[1]} on ${match[2]}`);
  return [...functions, ...views, ...policies, ...triggers];
}

/** The types of the arguments that a call gives, from the text behind the opening parenthesis. */
function argumentTypes(text: string): string {
  const list: string[] = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/'(?:[^']|'')*'|[^']/gs)) {
    if (token === ')' && depth === 0) break;
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token === ',' && depth === 0) list.push('');
    else list[list.length - 1] += token;
  }
  return list
    .map((argument) => argument.trim().replace(/\s+default\s.*$/s, ''))
    .filter((argument) => argument !== '' && !argument.startsWith('out '))
    .map((argument) => argument.replace(/^(?:in |inout |variadic )?\w+\s+/, ''))
    .join(', ');
}
