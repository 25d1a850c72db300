/**
 * The honesty of the part `hostile`: fed a server that crashes, leaks, fails, lies or stands still, each only when it is attacked,
 * it says so; fed an attack that does no harm, it finds nothing. Nothing here asserts a time.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MortalProduct } from '../tests/torture/product.ts';
import { besiege } from '../tests/torture/siege.ts';
import { judgeSiege } from './hostile-report.ts';
import type { Result } from './report.ts';
import type { Summary } from './statistics.ts';

/** No limit of the product's: starting it takes its time on a busy machine. */
const LIMIT_MS = 120_000;

let product: MortalProduct;
beforeAll(async () => {
  product = await MortalProduct.start(join(import.meta.dirname, 'honest-hostile-server.ts'));
}, LIMIT_MS);
afterAll(() => product[Symbol.asyncDispose]());

async function feed(...attacks: string[]): Promise<Result> {
  const report = await besiege({
    product,
    quietSeconds: 1,
    attackSeconds: 4,
    honest: 2,
    screens: 0,
    strength: 1,
    seed: 7,
    crew: join(import.meta.dirname, 'honest-hostile-crew.ts'),
    attacks,
    progress: () => {},
  });
  return judgeSiege(report);
}

test('finds nothing wrong in a server that an attack does not harm', { timeout: LIMIT_MS }, async () => {
  const { broken, figures } = await feed('none');
  expect(broken).toEqual([]);
  expect(figures['attacks']).toMatch(/^\d+ × none: 400 \d+/);
});

test('says how long a server stood still', { timeout: LIMIT_MS }, async () => {
  const { broken, figures } = await feed('stall');
  expect(broken).toEqual([]);
  // It stands for three seconds at a time: what was due meanwhile waits, on any machine.
  expect((figures['attacked_rest_ms'] as Summary).max).toBeGreaterThan(2_000);
});

test('says that memory is kept', { timeout: LIMIT_MS }, async () => {
  const { broken } = await feed('leak');
  expect(broken).toEqual([
    expect.stringMatching(/^Memory grew from \d+ MB to \d+ MB, by more than 400 MB\.$/),
  ]);
});

test('says that honest requests failed, and that answers were wrong', { timeout: LIMIT_MS }, async () => {
  const { broken } = await feed('fail', 'lie');
  expect(broken).toContainEqual(
    expect.stringMatching(/: an honest request was answered 500, \d+ ×: internal error$/),
  );
  expect(broken).toContainEqual(expect.stringMatching(/^schools: an answer was wrong, \d+ ×: \[\]$/));
});

test('says that PostgreSQL was started anew', { timeout: LIMIT_MS }, async () => {
  const { broken } = await feed('postgres');
  expect(broken).toContainEqual(expect.stringMatching(/^PostgreSQL was started at .+, and now: .+/));
});

test('says that the server died, of which attack, and what it said last', { timeout: LIMIT_MS }, async () => {
  const { broken } = await feed('crash');
  expect(broken[0]).toMatch(
    /^The server's process ended with code \d+\. .*An exception that nobody foresaw/s,
  );
});
