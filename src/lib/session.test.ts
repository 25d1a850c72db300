import { beforeEach, expect, test } from 'vitest';
import { vianney } from '../../tests/helpers/fixtures.ts';
import { ApiError } from './apiError.ts';
import { createQueryClient } from './queryClient.ts';
import {
  currentSession,
  reportAuthorized,
  reportUnauthorized,
  sessionExpired,
  signedIn,
  signedOut,
} from './session.ts';

beforeEach(() => signedIn(vianney));

const isExpired = () => {
  const session = currentSession();
  return session.status === 'signed_in' && session.expired;
};

test('one refusal is forgiven, two in a row ask for a new sign-in', () => {
  reportUnauthorized();
  expect(isExpired()).toBe(false);
  reportUnauthorized();
  expect(isExpired()).toBe(true);
});

test('an answer in between proves the token good', () => {
  reportUnauthorized();
  reportAuthorized();
  reportUnauthorized();
  expect(isExpired()).toBe(false);
});

test('signing in again ends the expiry and keeps the person', () => {
  sessionExpired();
  expect(isExpired()).toBe(true);
  signedIn(vianney);
  expect(currentSession()).toEqual({ status: 'signed_in', profile: vianney, expired: false });
});

test('nobody’s session expires', () => {
  signedOut();
  sessionExpired();
  expect(currentSession()).toEqual({ status: 'signed_out' });
});

test('every query that is refused counts, and a refusal is not tried again', async () => {
  const queryClient = createQueryClient();
  let asked = 0;
  const refused = (key: string) =>
    queryClient
      .fetchQuery({
        queryKey: [key],
        queryFn: () => {
          asked += 1;
          throw new ApiError('…', { status: 401, code: 'not_authenticated' });
        },
        retry: queryClient.getDefaultOptions().queries?.retry ?? false,
      })
      .catch(() => undefined);
  await refused('a');
  await refused('b');
  expect(asked).toBe(2);
  expect(isExpired()).toBe(true);
});
