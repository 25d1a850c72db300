import { afterEach, describe, expect, it, test } from 'vitest';
import type { NoticeContent } from '@/core/notices.ts';
import { currentI18n, setLocale } from '@/i18n/i18n.ts';
import { Constants } from '../../../../database/types.gen.ts';
import { catalogue } from '../../../../tests/helpers/fixtures.ts';
import { describeNotice } from './noticeKinds.ts';

const nearLimit: NoticeContent = {
  kind: 'usage_threshold',
  resource: 'students',
  params: { threshold: 0.8, usage: 425, limit: 500 },
};
const atLimit: NoticeContent = {
  kind: 'usage_threshold',
  resource: 'storage',
  params: { threshold: 1, usage: 50e9, limit: 50e9 },
};
const overLimit: NoticeContent = {
  kind: 'usage_threshold',
  resource: 'schools',
  params: { threshold: 1, usage: 8, limit: 3 },
};
const refused: NoticeContent = {
  kind: 'request_decided',
  resource: null,
  params: { plan: 'pro', status: 'refused', review_note: 'Dossier incomplet' },
};
const changed: NoticeContent = {
  kind: 'plan_changed',
  resource: null,
  params: { from: 'premium', to: 'pro' },
};
const unpaid: NoticeContent = {
  kind: 'status_changed',
  resource: null,
  params: { from: 'active', to: 'past_due' },
};

afterEach(() => setLocale('fr'));

describe('a notice', () => {
  it('is said in the language of its reader, from the same parameters', async () => {
    expect(describeNotice(currentI18n(), nearLimit, catalogue)).toMatchObject({
      title: 'Élèves : 80\u00a0% de la limite',
      detail: '425 sur 500 élèves',
    });
    await setLocale('en');
    expect(describeNotice(currentI18n(), nearLimit, catalogue)).toMatchObject({
      title: 'Students: 80% of the limit',
      detail: '425 of 500 students',
    });
  });

  it('of a full resource names the limit, under the resource’s own icon', () => {
    expect(describeNotice(currentI18n(), atLimit, catalogue)).toMatchObject({
      title: 'Limite atteinte : 50\u00a0Go',
      icon: 'FolderOpen',
      colour: 'text-red-ink',
    });
  });

  it('of more than the limit, as a smaller plan leaves it, says that the limit is exceeded', () => {
    const { title, detail } = describeNotice(currentI18n(), overLimit, catalogue);
    expect([title, detail]).toEqual(['Limite dépassée : 3 écoles', '8 sur 3 écoles']);
  });

  it('of a decided request names the plan and carries the note', async () => {
    expect(describeNotice(currentI18n(), refused, catalogue)).toMatchObject({
      title: 'Demande refusée : plan Pro',
      detail: 'Dossier incomplet',
    });
    await setLocale('en');
    expect(describeNotice(currentI18n(), refused, undefined).title).toBe('Request refused: pro plan');
  });

  it('of a changed plan names both, and leads to the modules', () => {
    expect(describeNotice(currentI18n(), changed, catalogue)).toMatchObject({
      title: 'Plan mis à jour vers Pro',
      detail: 'Auparavant : Premium',
      route: '/modules',
    });
  });

  it('of a changed subscription says its state', () => {
    expect(describeNotice(currentI18n(), unpaid, catalogue).title).toBe('Abonnement : en retard de paiement');
  });
});

test.each(['fr', 'en'] as const)('every kind of the database has words in %s', async (locale) => {
  await setLocale(locale);
  const samples = [nearLimit, refused, changed, unpaid];
  expect(samples.map(({ kind }) => kind).toSorted()).toEqual(
    Constants.public.Enums.notification_kind.toSorted(),
  );
  for (const sample of samples) {
    const { title, icon } = describeNotice(currentI18n(), sample, catalogue);
    expect(title).toMatch(/\S/);
    expect(title).not.toContain('undefined');
    expect(icon).toMatch(/^[A-Z]\w+$/);
  }
});
