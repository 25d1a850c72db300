import { describe, expect, test } from 'vitest';
import { catalogue, planMessage, planOf, usageMessage } from '../../tests/helpers/fixtures.ts';
import { applyToRow, newestRows, type GroupLine } from './group-rows.ts';
import type { StateMessage } from './messages.ts';

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
