import { describe, expect, test } from 'vitest';
import { catalogue, planMessage, planOf, snapshotOf, usageMessage } from '../../tests/helpers/fixtures.ts';
import type { EntitlementSnapshot } from './entitlements.ts';
import {
  applyToRow,
  applyToSnapshot,
  newestRows,
  newestSnapshot,
  type Applied,
  type GroupLine,
} from './group-state.ts';
import type { StateMessage, UsageMessage } from './messages.ts';

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
    const pending = { plan: 'gratuit', effective_at: '2026-02-01T00:00:00Z' };
    const more = planMessage('premium', 2, undefined, { pending });
    expect(applied(applyToSnapshot(held, { event: 'plan_changed', message: more }, catalogue))).toMatchObject(
      {
        pending_change: pending,
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
      reason: 'subscription_past_due',
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

  test('to expired leads to a refetch: only the server knows what ran out', () => {
    const message = planMessage('gratuit', 2, undefined, { status: 'expired' });
    expect(applyToSnapshot(snapshotOf('pro'), { event: 'plan_changed', message }, catalogue)).toEqual({
      kind: 'refetch',
      reason: 'unknown_reason',
    });
  });
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

describe('a row of a console', () => {
  const row: GroupLine & { id: string } = {
    id: 'a',
    plan: 'pro',
    plan_name: 'Pro',
    subscription_status: 'active',
    price_xaf: 150_000,
    e: 1,
    rev: 5,
    at: Date.parse('2025-11-17T09:42:00Z'),
    next_at: null,
    warn: 0.8,
    limits: planOf('pro').limits,
    usage: [1, 0, 3, 0],
    state: 'ok',
  };
  const after = (
    told: StateMessage,
    held = row,
    known: typeof catalogue | undefined = catalogue,
  ): GroupLine => {
    const result = applyToRow(held, told, known);
    if (result.kind !== 'applied') throw new Error(`expected the message to be applied, got ${result.kind}`);
    return result.shown;
  };

  test('takes plan, price, status, limits and state of a change of plan, also over a gap', () => {
    const message = planMessage('gratuit', 9, undefined, { status: 'suspended', next_at: 7 });
    expect(after({ event: 'plan_changed', message })).toMatchObject({
      rev: 9,
      at: message.at,
      next_at: 7,
      plan: 'gratuit',
      plan_name: 'Gratuit',
      subscription_status: 'suspended',
      price_xaf: planOf('gratuit').price_xaf,
      limits: planOf('gratuit').limits,
      state: 'blocked',
    });
  });

  test('takes the usage of the next revision and says the worst state', () => {
    const message = usageMessage(6, [8, 0, 3, 0]);
    expect(after({ event: 'usage_changed', message })).toMatchObject({
      ...row,
      ...message,
      state: 'warning',
    });
  });

  test('warns from the share that is in force for the group, whatever the catalogue says of its plan', () => {
    const early = { ...row, warn: 0.5 };
    const used = { event: 'usage_changed', message: usageMessage(6, [5, 0, 3, 0]) } as const;
    expect(after(used, early)).toMatchObject({ state: 'warning' });
    expect(after(used, early, undefined)).toMatchObject({ state: 'warning' });
    const message = planMessage('pro', 6, [1, 0, 3, 0], { warn: 0.5 });
    expect(after({ event: 'plan_changed', message })).toMatchObject({ warn: 0.5 });
  });

  test('is well where every resource is unlimited, as the server says', () => {
    const message = planMessage('pro', 6, undefined, { limits: [null, null, null, null] });
    expect(after({ event: 'entitlements_changed', message }).state).toBe('ok');
  });

  test('is read again when usage comes over a gap, or anything of a newer epoch', () => {
    const gap = { event: 'usage_changed', message: usageMessage(7, [8, 0, 3, 0]) } as const;
    expect(applyToRow(row, gap, catalogue)).toEqual({ kind: 'refetch', reason: 'gap' });
    const restored = { event: 'plan_changed', message: planMessage('pro', 2, undefined, { e: 2 }) } as const;
    expect(applyToRow(row, restored, catalogue)).toEqual({ kind: 'refetch', reason: 'epoch' });
  });

  test.each([
    [5, 1],
    [4, 1],
    [9, 0],
  ])('stays as it is for revision %i of epoch %i (I5)', (rev, e) => {
    const message = planMessage('premium', rev, undefined, { e });
    expect(applyToRow(row, { event: 'plan_changed', message }, catalogue)).toEqual({ kind: 'dropped' });
  });

  test('names a plan that is not in the catalogue by its slug', () => {
    const message = planMessage('premium', 6, undefined, { plan: 'sur-mesure' });
    expect(after({ event: 'plan_changed', message }, row, undefined)).toMatchObject({
      plan_name: 'sur-mesure',
      price_xaf: 150_000,
    });
  });

  test('I5: a page that was read before a message came leaves that row as the message made it', () => {
    const told = { ...row, rev: 6, plan: 'gratuit' };
    const read = [
      { ...row, rev: 5 },
      { ...row, id: 'b', rev: 3 },
    ];
    expect(newestRows([told, { ...row, id: 'b', rev: 2 }], read)).toEqual([told, read[1]]);
    expect(newestRows(undefined, read)).toEqual(read);
    const restored = [{ ...row, e: 2, rev: 1 }];
    expect(newestRows([told], restored)).toEqual(restored);
  });
});
