/** P5: a guard decides from the snapshot it has, against asking the server at each guard. */
import { decideAgain } from '../src/core/decide.ts';
import { RESOURCES, type PlanRestrictions } from '../src/core/entitlements.ts';
import { interleave } from './interleave.ts';
import { startProduct } from './product.ts';
import { type Part, short, spread } from './report.ts';
import { median, summarise } from './statistics.ts';

const ROUNDS = 10;
const DECISIONS = 100_000;
/** Decisions between two looks at the clock, whose own cost would show in a single one. */
const BATCH = 100;
const REQUESTS = 20;
const TARGET_US = 10;

export const decision: Part = {
  name: 'decision',
  async run(progress) {
    await using product = await startProduct();
    const token = await product.signIn('vianney@lamarelle.demo');
    const call = async (name: string, body: object): Promise<unknown> => {
      const answer = await fetch(`${product.url}/rest/v1/rpc/${name}`, {
        method: 'POST',
        headers: {
          apikey: product.publishableKey,
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
      return answer.json();
    };
    const known = (await call('get_all_plan_restrictions', {})) as PlanRestrictions;

    progress(`${ROUNDS} rounds of ${DECISIONS} decisions and ${REQUESTS} requests`);
    const variants = {
      decide: async () => decideMany(known),
      overHttp: () =>
        time(REQUESTS, () => call('check_plan_restrictions', { p_restriction_type: 'schools' })),
    };
    await interleave(variants, 1);
    const rounds = await interleave(variants, ROUNDS);
    const ours = summarise(rounds.decide.flat());
    const http = summarise(rounds.overHttp.flat());
    const microseconds = ours.p99 * 1000;
    return [
      {
        id: 'P5',
        what: 'decision in the client',
        target: `≤ ${TARGET_US} µs, 0 requests`,
        measured: `${short(ours.median * 1000)} µs, p99 ${short(microseconds)} µs`,
        comparedWith: `check over HTTP: ${spread(http)}`,
        ratio: ours.median / median(rounds.overHttp.flat()),
        met: microseconds <= TARGET_US,
        broken: [],
        figures: { decide_ms: ours, http_ms: http },
      },
    ];
  },
};

/** Duration of one decision, milliseconds: the mean of each batch. */
function decideMany(known: PlanRestrictions): number[] {
  const durations: number[] = [];
  let allowed = 0;
  for (let done = 0; done < DECISIONS; done += BATCH) {
    const began = performance.now();
    for (let i = 0; i < BATCH; i++) {
      const resource = RESOURCES[i % RESOURCES.length] ?? 'schools';
      if (decideAgain(known.restrictions[resource], i % 20, known.status).allowed) allowed++;
    }
    durations.push((performance.now() - began) / BATCH);
  }
  // The outcome is used, so that the compiler cannot leave the work out.
  if (allowed === 0) throw new Error('Nothing was allowed: the decisions were not made on a real snapshot');
  return durations;
}

async function time(count: number, act: () => Promise<unknown>): Promise<number[]> {
  const durations: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await act();
    durations.push(performance.now() - began);
  }
  return durations;
}
