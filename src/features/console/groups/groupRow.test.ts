import { expect, test } from 'vitest';
import { GO, planOf } from '../../../../tests/helpers/fixtures.ts';
import { pressing, type GroupRow } from './groupRow.ts';

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
  e: 1,
  rev: 5,
  at: 0,
  next_at: null,
  warn: 0.8,
  limits: planOf('pro').limits,
  usage: [1, 0, 3, 0],
  state: 'ok',
};

test('the resources that press are those in the worst state', () => {
  expect(pressing(row)).toEqual([]);
  expect(pressing({ ...row, usage: [10, 1_900, 3, 50 * GO], state: 'blocked' })).toEqual([
    'schools',
    'storage',
  ]);
  expect(pressing({ ...row, usage: [11, 2_000, 3, 0], state: 'over_limit' })).toEqual(['schools']);
});
