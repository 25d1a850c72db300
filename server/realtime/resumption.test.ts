// @vitest-environment node
import { beforeEach, expect, test } from 'vitest';
import { Resumption } from './resumption.ts';
import type { Session } from './sessions.ts';

const stream = { topic: 'group:1', private: true };
const rights = { broadcast: true, presence: false };
let now: number;
let resumption: Resumption;

function bearer(token: string, expiresAt = Infinity): { session: Session; rights: typeof rights } {
  return {
    session: { token, role: 'authenticated', claims: '{}', subject: '', sessionId: token, expiresAt },
    rights,
  };
}

beforeEach(() => {
  now = 0;
  resumption = new Resumption({ resumeMs: 10_000 }, () => now);
});

test('who comes back with the same token to the same topic gets the rights it had, once', () => {
  resumption.keep(stream, bearer('a'));
  expect(resumption.take({ ...stream, topic: 'group:2' }, 'a')).toBeNull();
  expect(resumption.take({ ...stream, private: false }, 'a')).toBeNull();
  expect(resumption.take(stream, 'b')).toBeNull();
  now = 9_999;
  expect(resumption.take(stream, 'a')).toMatchObject({ rights, session: { token: 'a' } });
  expect(resumption.take(stream, 'a')).toBeNull();
});

test('who comes back too late, or with a token that has ended, is asked about', () => {
  resumption.keep(stream, bearer('late'));
  resumption.keep(stream, bearer('ended', 5_000));
  now = 5_000;
  expect(resumption.take(stream, 'ended')).toBeNull();
  now = 10_000;
  expect(resumption.take(stream, 'late')).toBeNull();
});

test('keys and public channels have nothing to keep', () => {
  resumption.keep(stream, bearer('sb_secret_x'));
  resumption.keep({ ...stream, private: false }, bearer('a'));
  expect(resumption.take(stream, 'sb_secret_x')).toBeNull();
  expect(resumption.take({ ...stream, private: false }, 'a')).toBeNull();
});

test('rights that may have been lost are let go, and no others', () => {
  resumption.keep(stream, bearer('lost'));
  resumption.keep(stream, bearer('kept'));
  resumption.forget(({ sessionId }) => sessionId === 'lost');
  expect(resumption.take(stream, 'lost')).toBeNull();
  expect(resumption.take(stream, 'kept')).toMatchObject({ rights });
});
