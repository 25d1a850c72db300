import { describe, expect, it } from 'vitest';
import { findWrongDeliveries } from './delivery.ts';

const sent = ['one', 'two', 'three'].map((message) => (text: string) => text === message);
const heard = (...orders: string[][]) => {
  const messages = [...new Set(orders.flat())];
  return {
    messages,
    orders: orders.map((order) => ({
      messages: order.map((message) => messages.indexOf(message)),
      listeners: 5,
    })),
    cutOff: 0,
  };
};

describe('what was wrong about deliveries', () => {
  it('is nothing when every listener got all, once and in order', () => {
    expect(findWrongDeliveries(sent, heard(['one', 'two', 'three']))).toEqual([]);
    expect(findWrongDeliveries([], heard([]))).toEqual([]);
  });

  it.each([
    ['a missed message', ['one', 'three'], ['5 of 10 listeners missed one or more of 3 messages.']],
    ['a last one that never came', ['one', 'two'], ['5 of 10 listeners missed one or more of 3 messages.']],
    ['a doubled one', ['one', 'two', 'two', 'three'], ['5 of 10 listeners got a message more than once.']],
    ['two in the wrong order', ['two', 'one', 'three'], ['5 of 10 listeners got messages out of order.']],
    [
      'one that nobody sent them',
      ['one', 'two', 'three', 'a secret'],
      ['5 of 10 listeners got a message that was not sent to them: a secret'],
    ],
    [
      'one that came changed',
      ['one', 'tvo', 'three'],
      [
        '5 of 10 listeners missed one or more of 3 messages.',
        '5 of 10 listeners got a message that was not sent to them: tvo',
      ],
    ],
  ])('names %s', (_name, order, sentences) => {
    expect(findWrongDeliveries(sent, heard(['one', 'two', 'three'], order))).toEqual(sentences);
  });

  it('passes over messages of another kind', () => {
    const all = heard(['one', '(aside)', 'two', 'three']);
    expect(findWrongDeliveries(sent, all, (text) => !text.startsWith('('))).toEqual([]);
  });

  it('names listeners that were cut off', () => {
    expect(findWrongDeliveries(sent, { ...heard(['one', 'two', 'three']), cutOff: 2 })).toEqual([
      '2 of 5 listeners were cut off.',
    ]);
  });
});
