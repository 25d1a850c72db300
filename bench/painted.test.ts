// @vitest-environment node
import { expect, it } from 'vitest';
import { findWrongPaints } from './painted.ts';

const PLANS = ['Premium', 'Pro', 'Premium'];

it('finds nothing wrong when each plan was shown once, in order', () => {
  expect(findWrongPaints(PLANS, PLANS)).toEqual([]);
});

it.each([
  [['Premium', 'Gratuit', 'Pro', 'Premium'], 'At change 2, to Pro, the screen showed Gratuit.'],
  [['Premium', '', 'Pro', 'Premium'], 'At change 2, to Pro, the screen showed no plan.'],
  [['Premium', 'Pro'], 'The screen never showed change 3, to Premium.'],
  [[...PLANS, 'Pro'], 'After the last of 3 changes the screen went on to show Pro.'],
])('of a screen that showed %j says what was wrong', (shown, sentence) => {
  expect(findWrongPaints(PLANS, shown)).toEqual([sentence]);
});
