import { describe, expect, test } from 'vitest';
import { currentI18n, setLocale } from '../i18n/i18n.ts';
import { ApiError, errorText, toApiError } from './apiError.ts';

describe('what the server refuses', () => {
  test('a quota refusal carries its decision', () => {
    const details = JSON.stringify({ resource: 'schools', reason: 'limit_reached', limit: 10, usage: 10 });
    const error = toApiError({ message: 'Limite atteinte : 10 écoles.', code: 'PT402', details }, 402);
    expect(error.decision).toMatchObject({ resource: 'schools', reason: 'limit_reached' });
    expect(error.message).toBe('Limite atteinte : 10 écoles.');
  });

  test('a stale revision tells the present one', () => {
    const error = toApiError({ message: '…', details: '{"code":"stale_revision","rev":9}' }, 409);
    expect(error).toMatchObject({ code: 'stale_revision', details: { rev: 9 }, decision: null });
  });

  test.each([
    [0, 'network'],
    [401, 'not_authenticated'],
    [403, 'forbidden'],
    [500, 'unknown'],
  ])('status %i without a code of ours is %s', (status, code) => {
    expect(toApiError({ message: '…', details: 'Key (id)=(1) is not present.' }, status).code).toBe(code);
  });

  test('a refusal of the server itself has its code where SQL has its SQLSTATE', () => {
    const busy = { message: '…', code: 'too_many_requests', details: null };
    expect(toApiError(busy, 429).code).toBe('too_many_requests');
    const refused = { message: '…', code: 'PT409', details: '{"code":"nothing_scheduled"}' };
    expect(toApiError(refused, 409).code).toBe('nothing_scheduled');
  });

  test('a code we do not know is not passed on', () => {
    expect(toApiError({ message: '…', details: '{"code":"teapot"}' }, 418).code).toBe('unknown');
  });
});

describe('errorText', () => {
  test('speaks the language of the screen', async () => {
    const error = new ApiError('…', { status: 404, code: 'group_not_found' });
    await setLocale('fr');
    expect(errorText(error, currentI18n().t)).toBe('Ce groupe scolaire n’existe pas.');
    await setLocale('en');
    expect(errorText(error, currentI18n().t)).toBe('This school group does not exist.');
    await setLocale('fr');
  });

  test('leaves in French what the database says itself, and translates it', async () => {
    const failure = { message: 'Aucun changement n’est prévu.', details: '{"code":"nothing_scheduled"}' };
    const error = toApiError(failure, 409);
    expect(errorText(error, currentI18n().t)).toBe('Aucun changement n’est prévu.');
    await setLocale('en');
    expect(errorText(error, currentI18n().t)).toBe('No change of plan is scheduled.');
    await setLocale('fr');
  });

  test('explains a refusal by its reason', () => {
    const details = JSON.stringify({ resource: 'schools', reason: 'trial_expired' });
    const text = errorText(toApiError({ message: '…', details }, 402), currentI18n().t);
    expect(text).toContain('période d’essai');
  });

  test('never shows the words of an unexpected error', () => {
    expect(errorText(new TypeError('x is undefined'), currentI18n().t)).toBe(
      'Une erreur inattendue est survenue.',
    );
  });
});
