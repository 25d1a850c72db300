import { describe, expect, test } from 'vitest';
import { catalogue, planMessage, planOf, snapshotOf, usageMessage } from '../../tests/helpers/fixtures.ts';
import type { EntitlementSnapshot } from './entitlements.ts';
import { applyMessage, newestSnapshot, type Applied } from './snapshot.ts';

function applied(result: Applied): EntitlementSnapshot {
  if (result.kind !== 'applied') throw new Error(`expected the message to be applied, got ${result.kind}`);
  return result.snapshot;
}

describe('plan_changed', () => {
  test('carries the whole new state: the result equals what the server would answer', () => {
    const message = planMessage('premium', 2);
    const next = applied(applyMessage(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue));
    const answer = snapshotOf('premium', [1, 0, 3, 0], 2, { as_of: next.as_of });
    expect(next).toEqual(answer);
    expect(next.modules).toHaveLength(20);
    expect(next.categories).toHaveLength(6);
  });

  test('to a plan version the catalogue does not know leads to a refetch', () => {
    const message = planMessage('premium', 2, undefined, { pv: 9 });
    expect(applyMessage(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'unknown_plan_version',
    });
  });

  test('without a catalogue at hand leads to a refetch', () => {
    const message = planMessage('premium', 2);
    expect(applyMessage(snapshotOf('pro'), { event: 'plan_changed', message }, undefined)).toEqual({
      kind: 'refetch',
      reason: 'unknown_plan_version',
    });
  });

  test('of a group with modules of its own leads to a refetch', () => {
    const message = planMessage('pro', 2, undefined, { own: true });
    expect(applyMessage(snapshotOf('premium'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'own_modules',
    });
  });

  test('takes the pending change from the message', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 1, {
      pending_change: { plan: 'premium', effective_at: '2026-01-01T00:00:00Z' },
    });
    const done = planMessage('premium', 2);
    expect(applied(applyMessage(held, { event: 'plan_changed', message: done }, catalogue))).toMatchObject({
      pending_change: null,
    });
    const pending = { plan: 'gratuit', effective_at: '2026-02-01T00:00:00Z' };
    const more = planMessage('premium', 2, undefined, { pending });
    expect(applied(applyMessage(held, { event: 'plan_changed', message: more }, catalogue))).toMatchObject({
      pending_change: pending,
    });
  });

  test('to suspended: the group falls to gratuit, its subscription is remembered, the refusal says why', () => {
    const message = planMessage('gratuit', 2, [8, 0, 3, 0], { status: 'suspended' });
    const next = applied(applyMessage(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue));
    expect(next).toMatchObject({ plan: 'gratuit', subscribed_plan: 'pro', status: 'suspended' });
    expect(next.restrictions.schools).toMatchObject({
      allowed: false,
      state: 'over_limit',
      overage: 7,
      reason: 'subscription_past_due',
    });
  });

  test('while suspended: the message does not name the plan subscribed to, so it is shown and the snapshot read again', () => {
    const held = snapshotOf('gratuit', [1, 0, 3, 0], 4, { status: 'suspended', subscribed_plan: 'pro' });
    const message = planMessage('gratuit', 5, undefined, { status: 'suspended' });
    const of = (event: 'plan_changed' | 'entitlements_changed', rev: number) =>
      applyMessage(held, { event, message: { ...message, rev } }, catalogue);
    expect(of('plan_changed', 5)).toMatchObject({ kind: 'applied', unsure: 'unknown_subscription' });
    expect(of('entitlements_changed', 6)).toMatchObject({ kind: 'applied', unsure: 'unknown_subscription' });
    expect(of('entitlements_changed', 5)).not.toHaveProperty('unsure');
  });

  test('to expired leads to a refetch: only the server knows what ran out', () => {
    const message = planMessage('gratuit', 2, undefined, { status: 'expired' });
    expect(applyMessage(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'unknown_reason',
    });
  });
});

describe('usage_changed', () => {
  test('changes usage and nothing else', () => {
    const held = snapshotOf('pro');
    const message = usageMessage(2, [10, 1702, 31, 0]);
    const next = applied(applyMessage(held, { event: 'usage_changed', message }, undefined));
    expect(next).toEqual(snapshotOf('pro', [10, 1702, 31, 0], 2, { as_of: next.as_of }));
    expect(next.restrictions.schools).toMatchObject({ state: 'blocked', allowed: false });
    expect(next.modules).toBe(held.modules);
  });
});

describe('entitlements_changed', () => {
  test('of the same plan version changes the limits', () => {
    const message = planMessage('pro', 2, undefined, { limits: [12, 2000, 50, null] });
    const next = applied(
      applyMessage(snapshotOf('pro'), { event: 'entitlements_changed', message }, catalogue),
    );
    expect(next.restrictions.schools.limit).toBe(12);
    expect(next.restrictions.storage).toMatchObject({ unlimited: true, state: 'unlimited' });
    expect(next.modules).toEqual(snapshotOf('pro').modules);
  });

  test('to a version the catalogue holds is applied', () => {
    const newer = {
      ...catalogue,
      plans: [...catalogue.plans, { ...planOf('pro'), version: 2, modules: planOf('premium').modules }],
    };
    const message = planMessage('pro', 2, undefined, { pv: 2 });
    const next = applied(applyMessage(snapshotOf('pro'), { event: 'entitlements_changed', message }, newer));
    expect(next).toMatchObject({ plan_version: 2, categories: expect.objectContaining({ length: 6 }) });
  });
});

describe('I5: a client never shows an older revision after a newer one', () => {
  test.each([1, 2, 3])('a message of revision %i after revision 3 is dropped', (rev) => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const plan = { event: 'plan_changed', message: planMessage('gratuit', rev) } as const;
    const usage = { event: 'usage_changed', message: usageMessage(rev, [0, 0, 0, 0]) } as const;
    expect(applyMessage(held, plan, catalogue)).toEqual({ kind: 'dropped' });
    expect(applyMessage(held, usage, catalogue)).toEqual({ kind: 'dropped' });
  });

  test('usage over a gap leads to a refetch: a missed message may have changed the limits', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const usage = { event: 'usage_changed', message: usageMessage(5, [2, 0, 3, 0]) } as const;
    expect(applyMessage(held, usage, catalogue)).toEqual({ kind: 'refetch', reason: 'gap' });
  });

  test('a whole state over a gap is applied', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const plan = { event: 'plan_changed', message: planMessage('premium', 5, [2, 0, 3, 0]) } as const;
    const next = applied(applyMessage(held, plan, catalogue));
    expect(next).toEqual(snapshotOf('premium', [2, 0, 3, 0], 5, { as_of: next.as_of }));
  });

  test('a slow answer does not replace a newer snapshot; an equal one, read later, does', () => {
    const held = snapshotOf('premium', [1, 0, 3, 0], 5);
    expect(newestSnapshot(held, snapshotOf('pro', [1, 0, 3, 0], 4))).toBe(held);
    const equal = snapshotOf('premium', [1, 0, 3, 0], 5);
    expect(newestSnapshot(held, equal)).toBe(equal);
    expect(newestSnapshot(undefined, equal)).toBe(equal);
  });

  test('revisions of two groups do not compare', () => {
    const other = snapshotOf('pro', [1, 0, 3, 0], 1, { school_group_id: 'another' });
    expect(newestSnapshot(snapshotOf('pro', [1, 0, 3, 0], 9), other)).toBe(other);
  });
});
