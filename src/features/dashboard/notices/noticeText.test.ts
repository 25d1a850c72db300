import { afterEach, describe, expect, it } from 'vitest';
import { currentI18n, setLocale } from '@/i18n/i18n.ts';
import { catalogue } from '../../../../tests/helpers/fixtures.ts';
import { noticeText } from './noticeText.ts';
import type { NoticeContent } from './queries.ts';

const nearLimit: NoticeContent = {
  kind: 'usage_threshold',
  params: { resource: 'students', threshold: 0.8, usage: 425, limit: 500 },
};
const atLimit: NoticeContent = {
  kind: 'usage_threshold',
  params: { resource: 'storage', threshold: 1, usage: 50e9, limit: 50e9 },
};
const refused: NoticeContent = {
  kind: 'request_refused',
  params: { plan: 'pro', review_note: 'Dossier incomplet' },
};

afterEach(() => setLocale('fr'));

describe('a notice', () => {
  it('is said in the language of its reader, from the same parameters', async () => {
    expect(noticeText(currentI18n(), nearLimit, catalogue)).toEqual({
      title: 'Élèves : 80\u00a0% de la limite',
      detail: '425 sur 500 élèves',
    });
    await setLocale('en');
    expect(noticeText(currentI18n(), nearLimit, catalogue)).toEqual({
      title: 'Students: 80% of the limit',
      detail: '425 of 500 students',
    });
  });

  it('of a full resource names the limit', () => {
    expect(noticeText(currentI18n(), atLimit, catalogue).title).toBe('Limite atteinte : 50\u00a0Go');
  });

  it('of a reviewed request names the plan and carries the note', async () => {
    expect(noticeText(currentI18n(), refused, catalogue)).toEqual({
      title: 'Demande refusée : plan Pro',
      detail: 'Dossier incomplet',
    });
    await setLocale('en');
    expect(noticeText(currentI18n(), refused, undefined).title).toBe('Request refused: pro plan');
  });
});
