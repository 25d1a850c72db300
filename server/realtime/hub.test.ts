// @vitest-environment node
import { expect, test, vi } from 'vitest';
import { Hub, type Member } from './hub.ts';
import { createMetrics } from './metrics.ts';

const STREAM = { topic: 'room', private: true };

test('a member that throws takes the blame, and the others are served', async () => {
  const metrics = createMetrics();
  const hub = new Hub(metrics);
  const error = new Error('a broken member');
  const broke = vi.fn<Member['broke']>();
  const member = (deliver: Member['deliver']): Member => ({ version: '2.0.0', deliver, broke });
  const heard = vi.fn<Member['deliver']>();
  const broken = member(() => {
    throw error;
  });
  for (const each of [member(heard), broken, member(heard)]) hub.join(STREAM, each);
  expect(hub.publish(STREAM, { kind: 'text', payload: {} })).toBe(2);
  expect(heard).toHaveBeenCalledTimes(2);
  expect(broke).toHaveBeenCalledExactlyOnceWith('fanout', error);
  expect((await metrics.deliveries.get()).values[0]?.value).toBe(2);
});
