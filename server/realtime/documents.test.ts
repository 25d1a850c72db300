// @vitest-environment node
/** What a client, a dashboard or an operator meets is explained; what is explained exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { DEFAULT_LIMITS } from './options.ts';

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), 'utf8');
const specification = read('..', '..', 'docs', 'REALTIME.md');
const operations = read('..', '..', 'docs', 'operations.md');

test('each code of an error is in the specification', () => {
  const union = /RealtimeErrorCode =([^;]*);/.exec(read('errors.ts'))?.[1] ?? '';
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !specification.includes(`\`${code}\``))).toEqual([]);
});

test('each reason that is counted is in the specification', () => {
  const counted = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .flatMap((name) => [...read(name).matchAll(/\breason: '(\w+)'/g)].map(([, reason]) => reason));
  expect(counted.length).toBeGreaterThan(5);
  expect(counted.filter((reason) => !specification.includes(`\`${reason}\``))).toEqual([]);
});

test('each metric is in the operations manual, and each limit in it exists', async () => {
  const registry = new Registry();
  createMetrics(registry);
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  expect(names.filter((name) => !operations.includes(`\`${name}`))).toEqual([]);
  const told = [...operations.matchAll(/`(realtime_\w+)/g)].map(([, name]) => name);
  expect(told.filter((name) => !names.includes(name!))).toEqual([]);
});

test('each limit is in the operations manual with its default', () => {
  const missing = Object.entries(DEFAULT_LIMITS).filter(
    ([name, value]) => !operations.includes(`| \`${name}\` | ${value.toLocaleString('en')} `),
  );
  expect(missing).toEqual([]);
});
