/** P5: a guard decides from the snapshot it has, against asking the server at each guard. */
import cases from '../tests/cases/decisions.json' with { type: 'json' };
import { decideAgain } from '../src/core/decide.ts';
import {
  type Decision,
  type PlanRestrictions,
  RESOURCES,
  type Resource,
  type SubscriptionStatus,
} from '../src/core/entitlements.ts';
import { interleave } from './interleave.ts';
import { startProduct } from './product.ts';
import { type Part, type Result, short, spread } from './report.ts';
import { median, summarise } from './statistics.ts';

/** What is measured: it judges another quantity on what a decision already knows. */
export type Decide = (known: Decision, requested: number, status: SubscriptionStatus) => Decision;

/** What it is measured against: a question to the server at each guard, and how many requests there were in all. */
export interface Server {
  ask(): Promise<unknown>;
  countRequests(): Promise<number>;
}

export interface DecisionSizes {
  rounds: number;
  /** In a round. */
  decisions: number;
  requests: number;
}

const SIZES: DecisionSizes = { rounds: 10, decisions: 100_000, requests: 20 };
/** Decisions between two looks at the clock, whose own cost would show in a single one. */
const BATCH = 100;
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
    const server: Server = {
      ask: () => call('check_plan_restrictions', { p_restriction_type: 'schools' }),
      countRequests: () => product.countRequests(),
    };
    progress(`${SIZES.rounds} rounds of ${short(SIZES.decisions)} decisions and ${SIZES.requests} requests`);
    return [await measureDecisions(decideAgain, known, server, SIZES)];
  },
};

/** Measures P5 of an implementation on a snapshot, beside questions to the server. */
export async function measureDecisions(
  decide: Decide,
  known: PlanRestrictions,
  server: Server,
  { rounds, decisions, requests }: DecisionSizes,
): Promise<Result> {
  const before = await server.countRequests();
  decideMany(decide, known, decisions);
  // The second count sees the request of the first.
  const asked = (await server.countRequests()) - before - 1;
  const variants = {
    decide: async () => decideMany(decide, known, decisions),
    overHttp: () => time(requests, () => server.ask()),
  };
  await interleave(variants, 1);
  const measured = await interleave(variants, rounds);
  const ours = summarise(measured.decide.flat());
  const http = summarise(measured.overHttp.flat());
  const microseconds = ours.p99 * 1000;
  return {
    id: 'P5',
    what: 'decision in the client',
    target: `≤ ${TARGET_US} µs, 0 requests`,
    measured: `${short(ours.median * 1000)} µs, p99 ${short(microseconds)} µs, ${asked} requests`,
    comparedWith: `check over HTTP: ${spread(http)}`,
    ratio: ours.median / median(measured.overHttp.flat()),
    met: microseconds <= TARGET_US && asked === 0,
    broken: findWrongDecisions(decide),
    figures: { decide_ms: ours, http_ms: http, requests: asked },
    sizes: { rounds, decisions, requests },
  };
}

/** Judges every recorded case, those that SQL is tested with, and says which come out otherwise. */
export function findWrongDecisions(decide: Decide): string[] {
  return cases.flatMap(({ name, input, expected }) => {
    const known = {
      ...expected,
      resource: input.resource as Resource,
      limit: input.limit,
      usage: input.usage,
      requested: 0,
      // A decision that refused tells why by the subscription, if that is why; so it knows.
      reason: (input.fallback_reason ?? 'ok') as Decision['reason'],
      state: expected.state as Decision['state'],
      warn_at: input.warn_at,
      plan: 'pro',
      plan_version: 1,
      rev: 1,
    };
    const told = decide(known, input.requested, 'active');
    return (Object.keys(expected) as Array<keyof typeof expected>)
      .filter((key) => told[key] !== expected[key])
      .map((key) => `In the case “${name}” it said ${key} ${told[key]}, and ${expected[key]} is right.`);
  });
}

/** Duration of one decision, milliseconds: the mean of each batch. */
function decideMany(decide: Decide, known: PlanRestrictions, decisions: number): number[] {
  const durations: number[] = [];
  let allowed = 0;
  for (let done = 0; done < decisions; done += BATCH) {
    const began = performance.now();
    for (let i = 0; i < BATCH; i++) {
      const resource = RESOURCES[i % RESOURCES.length] ?? 'schools';
      if (decide(known.restrictions[resource], i % 20, known.status).allowed) allowed++;
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
