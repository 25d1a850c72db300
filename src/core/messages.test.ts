import { expect, test } from 'vitest';
import { planMessage, usageMessage } from '../../tests/helpers/fixtures.ts';
import { isStateEvent, parseStateMessage } from './messages.ts';

test('reads the three state messages', () => {
  const plan = planMessage('pro', 2);
  const usage = usageMessage(3, [1, 2, 3, 4]);
  expect(parseStateMessage('plan_changed', plan)).toEqual({ event: 'plan_changed', message: plan });
  expect(parseStateMessage('entitlements_changed', plan)).toEqual({
    event: 'entitlements_changed',
    message: plan,
  });
  expect(parseStateMessage('usage_changed', usage)).toEqual({ event: 'usage_changed', message: usage });
});

test('takes an unlimited resource', () => {
  const message = planMessage('pro', 2, undefined, { limits: [null, 1, 2, null] });
  expect(parseStateMessage('plan_changed', message)).not.toBeNull();
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['text', 'plan_changed'],
  ['no epoch', { ...planMessage('pro', 2), e: undefined }],
  ['a status nobody knows', { ...planMessage('pro', 2), status: 'constructor' }],
  ['a next instant that is text', { ...planMessage('pro', 2), next_at: '2026-01-01T00:00:00Z' }],
  ['no revision', { ...planMessage('pro', 2), rev: undefined }],
  ['a revision that is text', { ...planMessage('pro', 2), rev: '2' }],
  ['three usages', { ...planMessage('pro', 2), usage: [1, 2, 3] }],
  ['a negative usage', { ...planMessage('pro', 2), usage: [1, 2, 3, -4] }],
  ['a limit that is text', { ...planMessage('pro', 2), limits: ['10', 1, 1, 1] }],
  ['a pending change without its instant', { ...planMessage('pro', 2), pending: ['premium'] }],
  [
    'a pending change at an instant that is text',
    { ...planMessage('pro', 2), pending: ['premium', '2026-01-01'] },
  ],
  [
    'a pending change later than any date',
    { ...planMessage('pro', 2), pending: ['premium', Number.MAX_SAFE_INTEGER] },
  ],
  ['no plan', { ...planMessage('pro', 2), plan: undefined }],
  ['a usage message where a plan was promised', usageMessage(2, [1, 2, 3, 4])],
])('refuses %s', (_, payload) => {
  expect(parseStateMessage('plan_changed', payload)).toBeNull();
});

test('other events of the topic are not state', () => {
  expect(isStateEvent('usage_changed')).toBe(true);
  expect(isStateEvent('notification')).toBe(false);
});
