/** P14: from the start of the process to the first healthy answer, on an empty data directory and on one in use. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProduct } from './product.ts';
import { type Part, short } from './report.ts';
import { median, pairedRatio, summarise } from './statistics.ts';

const ROUNDS = 3;
const TARGET_MS = 2_000;

export const start: Part = {
  name: 'start',
  async run(progress) {
    const cold: number[] = [];
    const warm: number[] = [];
    const stop: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`cold and warm start, ${round} of ${ROUNDS}`);
      const dataDir = await mkdtemp(join(tmpdir(), 'epilot-bench-'));
      try {
        for (const starts of [cold, warm]) {
          await using product = await startProduct({ dataDir });
          starts.push(product.startMs);
          stop.push(await product.stop());
        }
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    }
    return [
      {
        id: 'P14',
        what: 'start → healthy, warm data directory',
        target: `≤ ${TARGET_MS / 1000} s`,
        measured: `${short(median(warm))} ms`,
        comparedWith: `cold, with demo data: ${short(median(cold))} ms; stop: ${short(median(stop))} ms`,
        ratio: pairedRatio(warm, cold),
        met: median(warm) <= TARGET_MS,
        broken: [],
        figures: { cold_ms: summarise(cold), warm_ms: summarise(warm), stop_ms: summarise(stop) },
      },
    ];
  },
};
