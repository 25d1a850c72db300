/**
 * The benchmark's own honesty: fed with what is deliberately slow it says MISSED, with what is deliberately leaky
 * BROKEN and why. Slow is slow by orders, so that no machine can make it fast; nothing here asserts a time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { THROWAWAY_SETTINGS } from '../server/postgres/settings.ts';
import { type CheckSizes, measureCheck } from './check.ts';
import { type EnforcementSizes, loadSample, measureEnforcement } from './enforcement.ts';
import { type FanoutSizes, measureFanout } from './fanout.ts';
import { OURS } from './fanout-server.ts';
import { COUNTING, REMEMBERING } from './honest-check.ts';
import { DRIFTING, SLEEPING, SWALLOWING, UNLOCKED } from './honest-enforcement.ts';
import { MANGLING, WAITING } from './honest-publishing.ts';
import { type PlanChangeSizes, measurePlanChanges } from './plan-change.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Result, verdictOf } from './report.ts';

let postgres: BenchPostgres;
beforeAll(async () => {
  postgres = await startPostgres(THROWAWAY_SETTINGS);
});
afterAll(() => postgres[Symbol.asyncDispose]());

const quietly = (): void => {};
const find = (results: readonly Result[], id: string): Result => results.find((result) => result.id === id)!;

describe('enforcement', () => {
  const SIZES: EnforcementSizes = {
    groups: 50,
    studentsPerGroup: 20,
    hotStudents: 100,
    writers: 16,
    rounds: 1,
    roundMs: 100,
    room: 48,
    bulk: 100,
    bulkRounds: 1,
  };
  const measure = (name: string, sql: string) => measureEnforcement(postgres, { name, sql }, SIZES, quietly);
  beforeAll(() => loadSample(postgres, SIZES));

  it('finds nothing broken in ours', async () => {
    const results = await measure('ours', '');
    expect(results.map(({ id, broken }) => [id, broken])).toEqual([
      ['P1', []],
      ['P2', []],
      ['P3', []],
    ]);
  });

  it('says that a trigger which waits missed its targets, and that nothing broke', async () => {
    const results = await measure('sleeping', SLEEPING);
    expect(results.map((result) => [result.id, verdictOf(result)])).toEqual([
      ['P1', 'MISSED'],
      ['P2', 'MISSED'],
      ['P3', 'MISSED'],
    ]);
  });

  it('says that writers passed the limit where a count takes no lock', async () => {
    const { broken } = find(await measure('unlocked', UNLOCKED), 'P2');
    expect(broken).toContainEqual(
      expect.stringMatching(/^16 writers passed the limit of 68: (69|[78]\d) students\.$/),
    );
    expect(broken).toContainEqual(
      expect.stringMatching(/^1 of 1 groups passed their limit: one holds \d+ of 68\.$/),
    );
  });

  it('says that a counter drifted', async () => {
    for (const { broken } of await measure('drifting', DRIFTING)) {
      expect(broken).toContainEqual(
        expect.stringMatching(/^The counter differs from a recount in \d+ of \d+ groups: one says \d+, /),
      );
    }
  });

  it('says that rows which writers were told of are not there', async () => {
    for (const { broken } of await measure('swallowing', SWALLOWING)) {
      expect(broken).toContainEqual(
        expect.stringMatching(/^Writers were told of \d+ students, and \d+ are there\.$/),
      );
    }
  });
});

describe('a check inside PostgreSQL', () => {
  const SIZES: CheckSizes = { students: [200, 10_000], rounds: 2, calls: 5, recounts: 2 };
  const measure = (name: string, sql: string) => measureCheck(postgres, { name, sql }, SIZES, quietly);

  it('finds nothing wrong in our answers', async () => {
    const { broken, series } = await measure('checked', '');
    expect(broken).toEqual([]);
    expect(series).toMatchObject({
      ours_ms: [{ size: 200 }, { size: 10_000 }],
      recount_ms: [{ size: 200 }, { size: 10_000 }],
    });
  });

  it('says that counting missed the target and how it grows', async () => {
    const result = await measure('counting', COUNTING);
    expect([verdictOf(result), result.broken]).toEqual(['MISSED', []]);
    expect(result.figures['exponent']).toBeGreaterThan(0.3);
  });

  it('says that an answer did not follow what changed', async () => {
    const { broken } = await measure('remembering', REMEMBERING);
    expect(broken).toContain('To a group of 200 students it said usage 200 of students, and 201 is right.');
  });
});

describe('fan-out', () => {
  const SIZES: FanoutSizes = {
    steps: [
      { sockets: 50, rounds: 1 },
      { sockets: 100, rounds: 3 },
    ],
    bystanders: 10,
    visitors: 100,
    visits: 3,
  };
  const measure = (flaw?: string) => {
    const module = join(import.meta.dirname, 'honest-process.ts');
    return measureFanout(postgres, 'rooms', flaw ? { module, arguments: [flaw] } : OURS, SIZES, quietly);
  };
  beforeAll(() => postgres.create('rooms', { seeds: true }));

  it('finds nothing broken in ours', async () => {
    const results = await measure();
    expect(results.map(({ id, broken }) => [id, broken])).toEqual([
      ['P7', []],
      ['P11', []],
    ]);
    expect(find(results, 'P7').series).toMatchObject({ gateway_last_ms: [{ size: 50 }, { size: 100 }] });
    expect(find(results, 'P11').series).toMatchObject({ gateway_rss_mb: [{ size: 50 }, { size: 100 }] });
  });

  it('says that one which frames for each socket and waits missed the target', async () => {
    const result = find(await measure('slow'), 'P7');
    expect([verdictOf(result), result.broken]).toEqual(['MISSED', []]);
    expect(result.ratio).toBeGreaterThan(1.3);
  });

  it('says of one that loses, doubles, swaps and garbles messages what it did', async () => {
    const { broken } = find(await measure('mangles'), 'P7');
    expect(broken.slice(0, 4)).toEqual([
      '10 of 50 listeners missed one or more of 3 messages.',
      '5 of 50 listeners got a message more than once.',
      '5 of 50 listeners got messages out of order.',
      expect.stringMatching(/^5 of 50 listeners got a message that was not sent to them: .*"rev":1/s),
    ]);
  });

  it('says that messages strayed into another group', async () => {
    expect(find(await measure('strays'), 'P7').broken).toContainEqual(
      expect.stringMatching(/^50 of 50 listeners got a message that was not sent to them: /),
    );
  });

  it('says that memory is kept for sockets that left', async () => {
    const results = await measure('hoards');
    expect(find(results, 'P7').broken).toEqual([]);
    expect(find(results, 'P11').broken).toEqual([
      expect.stringMatching(/^It keeps \d+(\.\d)? KB for each of 100 sockets that left\.$/),
      expect.stringMatching(
        /^It grows by \d+(\.\d)? KB for each socket that comes and leaves, time after time\.$/,
      ),
    ]);
  });
});

describe('plan changes through the whole product', () => {
  const SIZES: PlanChangeSizes = { changes: 5, connections: 12, lateMs: 20_000 };
  const measure = (name: string, sql: string, sizes = SIZES) =>
    measurePlanChanges(postgres, { name, sql }, sizes, quietly);

  it('finds nothing broken in ours', async () => {
    const results = await measure('published', '');
    expect(results.map(({ id, broken }) => [id, broken])).toEqual([
      ['P6', []],
      ['P8', []],
      ['P9', []],
    ]);
  });

  it('says that publishing which waits missed the target', async () => {
    const result = find(await measure('waiting', WAITING), 'P6');
    expect([verdictOf(result), result.broken]).toEqual(['MISSED', []]);
  });

  it('says of publishing that loses, doubles and changes messages what it did', async () => {
    const results = await measure('mangling', MANGLING, { ...SIZES, lateMs: 2_000 });
    const wrong = (of: string, listeners: number, sent: number) => [
      `${of}${listeners} of ${listeners} listeners missed one or more of ${sent} messages.`,
      `${of}${listeners} of ${listeners} listeners got a message more than once.`,
      expect.stringMatching(
        new RegExp(
          `^${of}${listeners} of ${listeners} listeners got a message that was not .*"gratuit"`,
          's',
        ),
      ) as string,
    ];
    const official = 'With the official client: ';
    expect(find(results, 'P6').broken).toEqual([
      ...wrong('', 10, 5),
      ...wrong(official, 1, 5),
      ...wrong(official, 1, 10),
    ]);
    expect(find(results, 'P8').broken).toEqual([
      expect.stringMatching(/^In serializer 1\.0\.0 the message does not carry the new state: .*"gratuit"/s),
    ]);
  });
});
