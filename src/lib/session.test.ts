import { beforeEach, expect, test, vi } from 'vitest';
import { vianney } from '../../tests/helpers/fixtures.ts';
import { ApiError } from './apiError.ts';
import { createQueryClient } from './queryClient.ts';
import { currentSession, followSession, sessionEnded, signedIn, signedOut } from './session.ts';

beforeEach(() => signedIn(vianney));

test('a session that ends keeps the person, and signing in again ends the end', () => {
  sessionEnded('closed');
  expect(currentSession()).toEqual({ status: 'signed_in', profile: vianney, ended: 'closed' });
  signedIn(vianney);
  expect(currentSession()).toEqual({ status: 'signed_in', profile: vianney, ended: null });
});

test('nobody’s session ends', () => {
  signedOut();
  sessionEnded('expired');
  expect(currentSession()).toEqual({ status: 'signed_out' });
});

test('what an account may not do raises a doubt; a refused token and a lost line do not', async () => {
  const onDoubt = vi.fn<() => void>();
  followSession({ onGone: () => undefined, onDoubt });
  const queryClient = createQueryClient();
  let asked = 0;
  const failing = (status: number) =>
    queryClient
      .fetchQuery({
        queryKey: [status],
        queryFn: () => {
          asked += 1;
          throw new ApiError('…', { status, code: 'unknown' });
        },
        retry: false,
      })
      .catch(() => undefined);
  await failing(401);
  await failing(0);
  expect(onDoubt).not.toHaveBeenCalled();
  await failing(403);
  expect(onDoubt).toHaveBeenCalledOnce();
  expect(asked).toBe(3);
});
