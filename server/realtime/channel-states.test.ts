// @vitest-environment node
import { expect, test } from 'vitest';
import { TRANSITIONS, type EventType, type State } from './channel-states.ts';

const states = Object.keys(TRANSITIONS) as State[];
const events = Object.keys(TRANSITIONS.closed) as EventType[];
/** What ends a channel; each tells the client, or there is nobody to tell. */
const ENDINGS = new Set(['refuse', 'expel', 'leave', 'giveWay', 'fail', 'release', 'part']);

test('closed is final', () => {
  for (const event of events) expect(TRANSITIONS.closed[event]).toEqual({ to: 'closed', act: 'ignore' });
});

test('a channel closes exactly when an ending action runs: never in silence', () => {
  for (const state of states.filter((each) => each !== 'closed')) {
    for (const event of events) {
      const { to, act } = TRANSITIONS[state][event];
      expect([state, event, to === 'closed']).toEqual([state, event, ENDINGS.has(act)]);
    }
  }
});

test('a socket that is gone, a leave and a second join end a channel in every state', () => {
  for (const state of states) {
    for (const event of ['socket_gone', 'phx_leave', 'replaced'] as const) {
      expect(TRANSITIONS[state][event].to).toBe('closed');
    }
  }
});

test('pushes that meet a question in flight wait for its answer', () => {
  for (const state of ['joining', 'checking'] as const) {
    for (const event of ['broadcast', 'presence', 'access_token', 'rights_doubted', 'other'] as const) {
      expect(TRANSITIONS[state][event]).toEqual({ to: state, act: 'defer' });
    }
  }
});

test('only a granted join leads from joining to joined', () => {
  const ways = events.filter((event) => TRANSITIONS.joining[event].to === 'joined');
  expect(ways).toEqual(['join_allowed']);
});
