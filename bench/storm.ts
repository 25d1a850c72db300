/**
 * P9, second half: every screen of a group is cut off at once by the server and comes back. What that costs the
 * database, how it is spread in time, and how long it takes until all are right.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSecrets } from '../server/secrets.ts';
import { monotonicMs } from './clock.ts';
import { interleave } from './interleave.ts';
import { createMembers } from './members.ts';
import { startPostgres } from './postgres.ts';
import { type Product, startProduct } from './product.ts';
import type { Part } from './report.ts';
import type { Manner } from './screen.ts';
import { type Screens, openScreens } from './screens.ts';
import { SLOT_MS, type Storm, judgeStorms, peakOf, slotsOf } from './storm-report.ts';
import { Writer } from './writer.ts';

const SCREENS = 1_000;
const ROUNDS = 2;
const DEADLINE_MS = 60_000;

export const storm: Part = {
  name: 'storm',
  async run(progress) {
    const dataDir = await mkdtemp(join(tmpdir(), 'epilot-bench-'));
    try {
      await using postgres = await startPostgres();
      await postgres.create('product', { seeds: true });
      const databaseUrl = postgres.url('product');
      await using product = await startProduct({ dataDir, databaseUrl, cuttable: true });
      const writer = await Writer.open(postgres);
      const groupId = await writer.groupId('EDJA');
      const { jwtSecret } = loadSecrets(join(dataDir, 'secrets.json'));
      const tokens = await createMembers(await postgres.connect('product'), groupId, jwtSecret, SCREENS);
      progress(`opening ${SCREENS} screens`);
      const { url, publishableKey } = product;
      await using screens = await openScreens({ url, publishableKey, groupId }, tokens);

      const storms = { product: 0, invalidate: 0 };
      const raise = (manner: Manner) => async (): Promise<Storm> => {
        progress(`storm ${(storms[manner] += 1)} of ${ROUNDS}, ${manner}`);
        return raiseStorm({ product, screens, writer, groupId }, manner);
      };
      return [
        judgeStorms(await interleave({ product: raise('product'), invalidate: raise('invalidate') }, ROUNDS)),
      ];
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};

interface Scene {
  product: Product;
  screens: Screens;
  writer: Writer;
  groupId: string;
}

async function raiseStorm({ product, screens, writer, groupId }: Scene, manner: Manner): Promise<Storm> {
  await screens.begin(manner);
  await writer.resetStatistics();
  const cpuBefore = await product.cpuMs();
  const answeredBefore = await product.countRequests();
  await using sampler = sampleStatements(writer);
  const cutAt = monotonicMs();
  product.cut();
  // Everybody has something to learn that happened while they were away.
  const { rev } = await writer.change(groupId);
  const shown = await screens.shown(rev, DEADLINE_MS);
  const { knocks, joins, requests, failures } = await screens.report();
  const samples = await sampler.stop();
  const right = shown.filter((at) => at !== null);
  return {
    screens: shown.length,
    statements: await writer.statementsOfServer(),
    peaks: {
      statements: peakOf(samples),
      requests: peakOf(slotsOf([...requests.values()].flat(), cutAt)),
      knocks: peakOf(slotsOf(knocks, cutAt)),
    },
    knocks: knocks.length,
    joins: joins.length,
    requests: Object.fromEntries([...requests].map(([path, instants]) => [path, instants.length])),
    // The second reading of the metrics sees the first.
    answered: (await product.countRequests()) - answeredBefore - 1,
    failures,
    cpuMs: (await product.cpuMs()) - cpuBefore,
    rightMs: right.map((at) => at - cutAt),
    behind: shown.length - right.length,
  };
}

/** Counts the statements of each slot until stopped. */
function sampleStatements(writer: Writer): { stop(): Promise<number[]> } & AsyncDisposable {
  const end = new AbortController();
  const sample = async (): Promise<number[]> => {
    const counts: number[] = [];
    let known = 0;
    let at = monotonicMs();
    while (!end.signal.aborted) {
      await pause(SLOT_MS);
      const count = await writer.countStatementsOfServer();
      const now = monotonicMs();
      // A sample that comes late tells of more than a slot.
      counts.push(((count - known) * SLOT_MS) / (now - at));
      known = count;
      at = now;
    }
    return counts;
  };
  const sampling = sample();
  const stop = (): Promise<number[]> => {
    end.abort();
    return sampling;
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
