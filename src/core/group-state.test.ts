import { describe, expect, test } from 'vitest';
import { catalogue, planMessage, planOf, snapshotOf, usageMessage } from '../../tests/helpers/fixtures.ts';
import type { EntitlementSnapshot } from './entitlements.ts';
import { applyToSnapshot, newestSnapshot, type Applied } from './group-state.ts';
import type { UsageMessage } from './messages.ts';

function applied(result: Applied<EntitlementSnapshot>): EntitlementSnapshot {
  if (result.kind !== 'applied') throw new Error(`expected the message to be applied, got ${result.kind}`);
  return result.shown;
}

describe('plan_changed', () => {
  test('carries the whole new state: the result equals what the server would answer', () => {
    const message = planMessage('premium', 2);
    const next = applied(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue));
    const answer = snapshotOf('premium', [1, 0, 3, 0], 2, { as_of: next.as_of });
    expect(next).toEqual(answer);
    expect(next.modules).toHaveLength(20);
    expect(next.categories).toHaveLength(6);
  });

  test('to a plan version the catalogue does not know leads to a refetch', () => {
    const message = planMessage('premium', 2, undefined, { pv: 9 });
    expect(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'unknown_plan_version',
    });
  });

  test('without a catalogue at hand leads to a refetch', () => {
    const message = planMessage('premium', 2);
    expect(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, undefined)).toEqual({
      kind: 'refetch',
      reason: 'unknown_plan_version',
    });
  });

  test('of a group with modules of its own leads to a refetch', () => {
    const message = planMessage('pro', 2, undefined, { own: true });
    expect(applyToSnapshot(snapshotOf('premium'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'own_modules',
    });
  });

  test('takes the pending change from the message', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 1, {
      pending_change: { plan: 'premium', effective_at: '2026-01-01T00:00:00Z' },
    });
    const done = planMessage('premium', 2);
    expect(applied(applyToSnapshot(held, { event: 'plan_changed', message: done }, catalogue))).toMatchObject(
      {
        pending_change: null,
      },
    );
    const pending: [string, number] = ['gratuit', Date.UTC(2026, 1, 1)];
    const more = planMessage('premium', 2, undefined, { pending });
    expect(applied(applyToSnapshot(held, { event: 'plan_changed', message: more }, catalogue))).toMatchObject(
      {
        pending_change: { plan: 'gratuit', effective_at: '2026-02-01T00:00:00.000Z' },
      },
    );
  });

  test('to suspended: the group falls to gratuit, its subscription is remembered, the refusal says why', () => {
    const message = planMessage('gratuit', 2, [8, 0, 3, 0], { status: 'suspended' });
    const next = applied(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue));
    expect(next).toMatchObject({ plan: 'gratuit', subscribed_plan: 'pro', status: 'suspended' });
    expect(next.restrictions.schools).toMatchObject({
      allowed: false,
      state: 'over_limit',
      overage: 7,
      reason: 'subscription_suspended',
    });
  });

  test('while suspended: the message does not name the plan subscribed to, so it is shown and the snapshot read again', () => {
    const held = snapshotOf('gratuit', [1, 0, 3, 0], 4, { status: 'suspended', subscribed_plan: 'pro' });
    const message = planMessage('gratuit', 5, undefined, { status: 'suspended' });
    const of = (event: 'plan_changed' | 'entitlements_changed', rev: number) =>
      applyToSnapshot(held, { event, message: { ...message, rev } }, catalogue);
    expect(of('plan_changed', 5)).toMatchObject({ kind: 'applied', unsure: 'unknown_subscription' });
    expect(of('entitlements_changed', 6)).toMatchObject({ kind: 'applied', unsure: 'unknown_subscription' });
    expect(of('entitlements_changed', 5)).not.toHaveProperty('unsure');
  });

  test.each([
    ['trial', 'trial_expired'],
    ['grace', 'grace_expired'],
  ] as const)(
    'to expired from %s is shown at once; only the server knows what ran out, so it is read again',
    (status, reason) => {
      const message = planMessage('gratuit', 2, undefined, { status: 'expired' });
      const held = snapshotOf('pro', [1, 0, 3, 0], 1, { status });
      const result = applyToSnapshot(held, { event: 'plan_changed', message }, catalogue);
      expect(result).toMatchObject({ unsure: 'unknown_reason' });
      expect(applied(result)).toMatchObject({ status: 'expired', plan: 'gratuit', subscribed_plan: 'pro' });
      expect(applied(result).restrictions.schools).toMatchObject({ allowed: false, reason });
    },
  );
});

describe('usage_changed', () => {
  test('changes usage and nothing else', () => {
    const held = snapshotOf('pro');
    const message = usageMessage(2, [10, 1702, 31, 0]);
    const next = applied(applyToSnapshot(held, { event: 'usage_changed', message }, undefined));
    expect(next).toEqual(snapshotOf('pro', [10, 1702, 31, 0], 2, { as_of: next.as_of }));
    expect(next.restrictions.schools).toMatchObject({ state: 'blocked', allowed: false });
    expect(next.modules).toBe(held.modules);
  });
});

describe('usage_changed while expired', () => {
  const message = usageMessage(3, [2, 0, 3, 0]);
  const expired = planMessage('gratuit', 2, undefined, { status: 'expired' });

  test('keeps the reason that a refusal has named', () => {
    const trial = snapshotOf('pro', [1, 0, 3, 0], 1, { status: 'trial' });
    const held = applied(applyToSnapshot(trial, { event: 'plan_changed', message: expired }, catalogue));
    const result = applyToSnapshot(held, { event: 'usage_changed', message }, catalogue);
    expect(result).not.toHaveProperty('unsure');
    expect(applied(result).restrictions.schools).toMatchObject({ usage: 2, reason: 'trial_expired' });
  });

  test('is shown and read again where nothing was refused yet', () => {
    const held = snapshotOf('gratuit', [0, 0, 3, 0], 2, { status: 'expired' });
    const result = applyToSnapshot(held, { event: 'usage_changed', message }, catalogue);
    expect(result).toMatchObject({ kind: 'applied', unsure: 'unknown_reason' });
    expect(applied(result).restrictions.schools).toMatchObject({ usage: 2, allowed: false });
  });
});

describe('entitlements_changed', () => {
  test('of the same plan version changes the limits', () => {
    const message = planMessage('pro', 2, undefined, { limits: [12, 2000, 50, null] });
    const next = applied(
      applyToSnapshot(snapshotOf('pro'), { event: 'entitlements_changed', message }, catalogue),
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
    const next = applied(
      applyToSnapshot(snapshotOf('pro'), { event: 'entitlements_changed', message }, newer),
    );
    expect(next).toMatchObject({ plan_version: 2, categories: expect.objectContaining({ length: 6 }) });
  });
});

describe('the instant of the next change by time alone', () => {
  const dated = { next_at: Date.parse('2025-12-01T00:00:00Z') };

  test('comes with a whole state, and goes with one that has none', () => {
    const message = planMessage('premium', 2, undefined, dated);
    const next = applied(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue));
    expect(next.next_at).toBe(dated.next_at);
    const none = { event: 'entitlements_changed', message: planMessage('premium', 3) } as const;
    expect(applied(applyToSnapshot(next, none, catalogue)).next_at).toBeNull();
  });

  test('stays over usage that does not name it, or names one that has passed', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 1, dated);
    const after = (over: Partial<UsageMessage>) => {
      const message = usageMessage(2, [2, 0, 3, 0], over);
      return applied(applyToSnapshot(held, { event: 'usage_changed', message }, catalogue)).next_at;
    };
    expect(after({})).toBe(dated.next_at);
    expect(after({ next_at: 1 })).toBe(dated.next_at);
    expect(after({ next_at: dated.next_at - 1 })).toBe(dated.next_at - 1);
  });
});

describe('I5: a client never shows an older revision after a newer one', () => {
  test.each([1, 2, 3])('a message of revision %i after revision 3 is dropped', (rev) => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const plan = { event: 'plan_changed', message: planMessage('gratuit', rev) } as const;
    const usage = { event: 'usage_changed', message: usageMessage(rev, [0, 0, 0, 0]) } as const;
    expect(applyToSnapshot(held, plan, catalogue)).toEqual({ kind: 'dropped' });
    expect(applyToSnapshot(held, usage, catalogue)).toEqual({ kind: 'dropped' });
  });

  test('usage over a gap leads to a refetch: a missed message may have changed the limits', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const usage = { event: 'usage_changed', message: usageMessage(5, [2, 0, 3, 0]) } as const;
    expect(applyToSnapshot(held, usage, catalogue)).toEqual({ kind: 'refetch', reason: 'gap' });
  });

  test('a whole state over a gap is applied', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 3);
    const plan = { event: 'plan_changed', message: planMessage('premium', 5, [2, 0, 3, 0]) } as const;
    const next = applied(applyToSnapshot(held, plan, catalogue));
    expect(next).toEqual(snapshotOf('premium', [2, 0, 3, 0], 5, { as_of: next.as_of }));
  });

  test('a slow answer does not replace a newer snapshot; an equal one, read later, does', () => {
    const held = snapshotOf('premium', [1, 0, 3, 0], 5);
    expect(newestSnapshot(held, snapshotOf('pro', [1, 0, 3, 0], 4))).toBe(held);
    const equal = snapshotOf('premium', [1, 0, 3, 0], 5);
    expect(newestSnapshot(held, equal)).toBe(equal);
    expect(newestSnapshot(undefined, equal)).toBe(equal);
  });

  test('a message of an older epoch is dropped, one of a newer epoch leads to a refetch, whatever its revision', () => {
    const held = snapshotOf('pro', [1, 0, 3, 0], 5, { e: 2 });
    const of = (e: number, rev: number) => [
      applyToSnapshot(
        held,
        { event: 'plan_changed', message: planMessage('premium', rev, undefined, { e }) },
        catalogue,
      ),
      applyToSnapshot(
        held,
        { event: 'usage_changed', message: usageMessage(rev, [0, 0, 0, 0], { e }) },
        catalogue,
      ),
    ];
    expect(of(1, 6)).toEqual([{ kind: 'dropped' }, { kind: 'dropped' }]);
    const refetch = { kind: 'refetch', reason: 'epoch' };
    expect(of(3, 2)).toEqual([refetch, refetch]);
    expect(of(3, 6)).toEqual([refetch, refetch]);
  });

  test('the newer snapshot is the larger (e, rev), at equal ones the later instant', () => {
    const of = (e: number, rev: number, second: string) =>
      snapshotOf('pro', [1, 0, 3, 0], rev, { e, as_of: `2025-11-17T09:42:${second}Z` });
    const held = of(2, 5, '10');
    for (const older of [of(1, 9, '59'), of(2, 4, '59'), of(2, 5, '09')]) {
      expect(newestSnapshot(held, older)).toBe(held);
    }
    for (const newer of [of(3, 1, '00'), of(2, 6, '00'), of(2, 5, '10'), of(2, 5, '11')]) {
      expect(newestSnapshot(held, newer)).toBe(newer);
    }
  });

  test('revisions of two groups do not compare', () => {
    const other = snapshotOf('pro', [1, 0, 3, 0], 1, { school_group_id: 'another' });
    expect(newestSnapshot(snapshotOf('pro', [1, 0, 3, 0], 9), other)).toBe(other);
  });
});
