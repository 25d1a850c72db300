import { describe, expect, test } from 'vitest';
import { catalogue, GO, planMessage, planOf, usageMessage } from '../../../../tests/helpers/fixtures.ts';
import { applyToRow, newestRows, pressing, type GroupRow } from './groupRow.ts';

const row: GroupRow = {
  id: 'a',
  name: 'LAMARELLE',
  code: null,
  city: 'Brazzaville',
  department: null,
  status: 'active',
  plan: 'pro',
  plan_name: 'Pro',
  subscription_status: 'active',
  price_xaf: 150_000,
  rev: 5,
  warn: 0.8,
  limits: planOf('pro').limits,
  usage: [1, 0, 3, 0],
  state: 'ok',
};

describe('a row after a message', () => {
  test('takes plan, price, limits and state of a change of plan, also over a gap', () => {
    expect(
      applyToRow(row, { event: 'plan_changed', message: planMessage('gratuit', 9) }, catalogue),
    ).toMatchObject({
      rev: 9,
      plan: 'gratuit',
      plan_name: 'Gratuit',
      price_xaf: planOf('gratuit').price_xaf,
      limits: planOf('gratuit').limits,
      state: 'blocked',
    });
  });

  test('takes the usage of the next revision and tells the worst state', () => {
    const next = applyToRow(
      row,
      { event: 'usage_changed', message: usageMessage(6, [8, 0, 3, 0]) },
      catalogue,
    );
    expect(next).toMatchObject({ rev: 6, usage: [8, 0, 3, 0], state: 'warning' });
  });

  test('warns from the share that is in force for the group, whatever the catalogue says of its plan', () => {
    const early = { ...row, warn: 0.5 };
    const used = { event: 'usage_changed', message: usageMessage(6, [5, 0, 3, 0]) } as const;
    expect(applyToRow(early, used, catalogue)).toMatchObject({ state: 'warning' });
    expect(applyToRow(early, used, undefined)).toMatchObject({ state: 'warning' });
    const changed = applyToRow(
      row,
      { event: 'plan_changed', message: planMessage('pro', 6, [1, 0, 3, 0], { warn: 0.5 }) },
      catalogue,
    );
    expect(changed).toMatchObject({ warn: 0.5 });
  });

  test('asks to be read again when usage comes over a gap: the limits may be others', () => {
    const message = usageMessage(7, [8, 0, 3, 0]);
    expect(applyToRow(row, { event: 'usage_changed', message }, catalogue)).toBe('gap');
  });

  test.each([5, 4])('stays as it is for revision %i (I5)', (rev) => {
    expect(applyToRow(row, { event: 'plan_changed', message: planMessage('premium', rev) }, catalogue)).toBe(
      row,
    );
  });

  test('names a plan that is not in the catalogue by its slug', () => {
    const message = planMessage('premium', 6, [1, 0, 3, 0], { plan: 'sur-mesure' });
    expect(applyToRow(row, { event: 'plan_changed', message }, undefined)).toMatchObject({
      plan_name: 'sur-mesure',
      price_xaf: 150_000,
    });
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
});

test('the resources that press are those in the worst state', () => {
  expect(pressing(row)).toEqual([]);
  expect(pressing({ ...row, usage: [10, 1_900, 3, 50 * GO], state: 'blocked' })).toEqual([
    'schools',
    'storage',
  ]);
  expect(pressing({ ...row, usage: [11, 2_000, 3, 0], state: 'over_limit' })).toEqual(['schools']);
});
