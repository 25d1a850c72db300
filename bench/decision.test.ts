// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { decideAgain } from '../src/core/decide.ts';
import type { Decision, PlanRestrictions } from '../src/core/entitlements.ts';
import { type Decide, findWrongDecisions, measureDecisions } from './decision.ts';
import { verdictOf } from './report.ts';

const room: Decision = {
  allowed: true,
  reason: 'ok',
  resource: 'schools',
  limit: 10,
  usage: 1,
  requested: 1,
  remaining: 9,
  overage: 0,
  percentage: 10,
  unlimited: false,
  state: 'ok',
  warn_at: 0.8,
  plan: 'pro',
  plan_version: 1,
  rev: 1,
};
const known: PlanRestrictions = {
  school_group_id: 'a',
  plan: 'pro',
  status: 'active',
  rev: 1,
  as_of: '2026-01-01',
  restrictions: { schools: room, students: room, staff: room, storage: room },
};
/** A server that no decision is to reach; counting is a request, too. */
function quietServer() {
  let requests = 0;
  return {
    ask: async () => (requests += 1),
    countRequests: async () => requests++,
  };
}
const SIZES = { rounds: 2, decisions: 400, requests: 3 };

describe('the benchmark of decisions', () => {
  it('finds nothing wrong in ours, which asks nobody', async () => {
    const result = await measureDecisions(decideAgain, known, quietServer(), SIZES);
    expect([result.broken, result.figures['requests']]).toEqual([[], 0]);
  });

  it('says that a decision which takes its time missed the target', async () => {
    const idle = new Int32Array(new SharedArrayBuffer(4));
    const slow: Decide = (...input) => {
      Atomics.wait(idle, 0, 0, 1);
      return decideAgain(...input);
    };
    const result = await measureDecisions(slow, known, quietServer(), { ...SIZES, decisions: 100 });
    expect([verdictOf(result), result.broken]).toEqual(['MISSED', []]);
  });

  it('says that a decision which asks the server missed the target', async () => {
    const server = quietServer();
    const asking: Decide = (...input) => {
      void server.ask();
      return decideAgain(...input);
    };
    const result = await measureDecisions(asking, known, server, SIZES);
    expect([verdictOf(result), result.figures['requests']]).toEqual(['MISSED', 400]);
  });

  it('names the cases that a generous decision gets wrong', () => {
    const generous: Decide = (...input) => ({ ...decideAgain(...input), allowed: true });
    const wrong = findWrongDecisions(generous);
    expect(wrong.length).toBeGreaterThan(3);
    expect(wrong.every((sentence) => sentence.endsWith('it said allowed true, and false is right.'))).toBe(
      true,
    );
  });
});
