import { expect, test } from 'vitest';
import { catalogue, GO, snapshotOf } from '../../../../tests/helpers/fixtures.ts';
import { judgePlans } from './judgePlans.ts';

test('each plan is held against the usage of the moment, by rank', () => {
  const shuffled = { ...catalogue, plans: catalogue.plans.toReversed() };
  const judged = judgePlans(shuffled, snapshotOf('pro', [4, 500, 3, 11 * GO]));
  expect(judged.map(({ plan, current }) => [plan.slug, current])).toEqual([
    ['gratuit', false],
    ['premium', false],
    ['pro', true],
  ]);
  expect(judged.map(({ modules, categories }) => [modules, categories])).toEqual([
    [10, 3],
    [20, 6],
    [47, 9],
  ]);
  expect(judged[1]?.over).toEqual([
    { resource: 'schools', overage: 1 },
    { resource: 'storage', overage: GO },
  ]);
  expect(judged[2]?.over).toEqual([]);
});

test('a plan without limits fits everything', () => {
  const plans = catalogue.plans.map((plan) => ({
    ...plan,
    limits: [null, null, null, null] as typeof plan.limits,
  }));
  const [first] = judgePlans({ ...catalogue, plans }, snapshotOf('pro', [999, 9_999, 99, 9 * GO]));
  expect(first).toMatchObject({ over: [], limits: { schools: null, storage: null } });
});
