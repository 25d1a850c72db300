import { expect, test } from 'vitest';
import { GO, snapshotOf } from '../../tests/helpers/fixtures.ts';
import { diffEntitlements } from './diff.ts';

test('Pro → Premium: 27 modules and 3 categories lost, four limits lowered', () => {
  const diff = diffEntitlements(snapshotOf('pro'), snapshotOf('premium', [1, 0, 3, 0], 2));
  expect(diff?.plan).toEqual({ from: 'pro', to: 'premium', fromName: 'Pro', toName: 'Premium' });
  expect(diff?.modulesLost).toHaveLength(27);
  expect(diff?.categoriesLost).toHaveLength(3);
  expect(diff?.modulesGained).toEqual([]);
  expect(diff?.categoriesGained).toEqual([]);
  expect(diff?.limits).toEqual([
    { resource: 'schools', from: 10, to: 3 },
    { resource: 'students', from: 2000, to: 500 },
    { resource: 'staff', from: 50, to: 20 },
    { resource: 'storage', from: 50 * GO, to: 10 * GO },
  ]);
});

test('Premium → Pro gains what Pro → Premium lost', () => {
  const down = diffEntitlements(snapshotOf('pro'), snapshotOf('premium'));
  const up = diffEntitlements(snapshotOf('premium'), snapshotOf('pro'));
  expect(up?.modulesGained).toEqual(down?.modulesLost);
  expect(up?.categoriesGained).toEqual(down?.categoriesLost);
});

test('usage is not a change of rights', () => {
  expect(diffEntitlements(snapshotOf('pro'), snapshotOf('pro', [9, 100, 5, GO], 2))).toBeNull();
});

test('a limit of the same plan is', () => {
  const before = snapshotOf('pro');
  const after = snapshotOf('pro', [1, 0, 3, 0], 2);
  after.restrictions.schools = { ...after.restrictions.schools, limit: null };
  expect(diffEntitlements(before, after)).toMatchObject({
    plan: null,
    limits: [{ resource: 'schools', from: 10, to: null }],
  });
});
