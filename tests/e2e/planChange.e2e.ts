/** The owner's main scenario, in two windows, and the two tests of the founding document. */
import type { Page } from '@playwright/test';
import { expect, expectLive, test } from './fixtures.ts';

const card = (page: Page) => page.getByRole('region', { name: 'Limites du plan' });
const meter = (page: Page, name: string) => card(page).getByRole('meter', { name });
const badge = (page: Page) => page.getByTestId('plan-badge');
const summary = (page: Page) => page.getByTestId('modules-summary');

async function expectPlan(page: Page, plan: 'Pro' | 'Premium'): Promise<void> {
  const [schools, students, staff, storage, modules] =
    plan === 'Pro'
      ? ['10', '2 000', '50', '50 Go', '47 modules · 9 catégories']
      : ['3', '500', '20', '10 Go', '20 modules · 6 catégories'];
  await expect(badge(page)).toHaveText(plan);
  await expect(summary(page)).toHaveText(modules ?? '');
  await expect(meter(page, 'Écoles')).toHaveAttribute('aria-valuetext', new RegExp(`sur ${schools}$`));
  await expect(meter(page, 'Élèves')).toHaveAttribute('aria-valuetext', spaced(`0 sur ${students}`));
  await expect(meter(page, 'Personnel')).toHaveAttribute('aria-valuetext', `3 sur ${staff}`);
  await expect(meter(page, 'Stockage')).toHaveAttribute('aria-valuetext', spaced(`0 Go sur ${storage}`));
}

/** A text whose spaces may be any of the no-break spaces that `Intl` writes. */
function spaced(text: string): RegExp {
  return new RegExp(`^${text.replace(/ /g, String.raw`\s`)}$`);
}

async function changePlan(admin: Page, to: 'Pro' | 'Premium'): Promise<void> {
  await admin.getByRole('radio', { name: to }).check();
  await admin.getByLabel('Motif (obligatoire)').fill('Renouvellement du contrat');
  await admin.getByRole('button', { name: `Passer à ${to}` }).click();
  await expect(badge(admin)).toHaveText(to);
}

test('a change of plan reaches the other window at once, with its difference and without a request', async ({
  open,
  lamarelle,
}) => {
  const admin = await open('superAdmin');
  await admin.getByRole('searchbox', { name: 'Rechercher un groupe' }).fill('lamarelle');
  await admin.getByRole('link', { name: 'LAMARELLE' }).click();
  await expect(admin).toHaveURL(new RegExp(lamarelle));
  await expect(admin.getByRole('heading', { level: 1, name: 'LAMARELLE' })).toBeFocused();

  const vianney = await open('vianney');
  await expectPlan(vianney, 'Pro');
  await expectLive(vianney);
  // The library of toasts comes once the first screen is at rest.
  await expect(vianney.getByRole('region', { name: 'Notifications' })).toBeAttached();
  await vianney.evaluate(() => Object.assign(window, { untouched: true }));
  const requests: string[] = [];
  vianney.on('request', (request) => requests.push(request.url()));

  await admin.getByRole('radio', { name: 'Premium' }).check();
  const preview = admin.getByRole('table', { name: 'Pro → Premium' });
  await expect(preview.getByRole('row', { name: /^Modules/ })).toContainText('47 → 20');
  await expect(preview.getByRole('row', { name: /^Modules/ })).toContainText('27 perdus');
  await expect(preview.getByRole('row', { name: /^Catégories/ })).toContainText('3 perdues');
  await expect(preview.getByRole('row', { name: /^Écoles/ })).toContainText('1 / 3');
  await preview.getByText('Voir les noms').click();
  await expect(preview.getByText('Infirmerie')).toBeVisible();
  await changePlan(admin, 'Premium');

  await expectPlan(vianney, 'Premium');
  const toast = vianney.locator('[data-sonner-toast]');
  await expect(toast).toContainText('Plan mis à jour vers Premium');
  await expect(toast).toContainText(/−\s27 modules, −\s3 catégories/);
  await expect(toast).toContainText('Écoles 10 → 3');
  await expect(admin.getByText(/LAMARELLE : Pro → Premium/)).toBeVisible();
  await expect(admin.getByRole('region', { name: 'Historique' })).toContainText('Renouvellement du contrat');

  await changePlan(admin, 'Pro');
  await expectPlan(vianney, 'Pro');
  await expect(toast).toContainText('Plan mis à jour vers Pro');
  await expect(toast).toContainText(/\+\s27 modules, \+\s3 catégories/);

  expect(await vianney.evaluate(() => 'untouched' in window)).toBe(true);
  expect(requests).toEqual([]);
});

test('the guard closes at the tenth school, and the database refuses the eleventh from anywhere', async ({
  open,
  lamarelle,
  db,
}) => {
  const vianney = await open('vianney', '/ecoles');
  const guard = vianney.locator('[data-guard]').first();
  for (let n = 2; n <= 10; n += 1) {
    await vianney.getByRole('button', { name: 'Créer une école' }).click();
    const dialog = vianney.getByRole('dialog');
    await dialog.getByLabel('Nom de l’école').fill(`École ${n}`);
    await dialog.getByRole('button', { name: 'Créer l’école' }).click();
    await expect(dialog).toBeHidden();
    await expect(vianney.getByRole('rowheader', { name: `École ${n}`, exact: true })).toBeVisible();
    await expect(guard).toHaveAttribute('data-guard', n >= 10 ? 'closed' : n >= 8 ? 'warning' : 'open');
  }
  await expect(guard).toContainText('Limite atteinte : 10 écoles');
  await expect(guard).toContainText('Actuellement : 10/10');
  await expect(guard.getByRole('meter', { name: 'Écoles' })).toHaveAttribute('aria-valuenow', '100');
  await expect(guard.getByRole('button', { name: 'Mettre à niveau mon plan' })).toBeVisible();
  const create = vianney.getByRole('button', { name: 'Créer une école' });
  await expect(create).toBeDisabled();
  await create.focus();
  await expect(create).not.toBeFocused();

  const fromTheBrowser = await vianney.evaluate(async (groupId) => {
    const stored = Object.entries(localStorage).find(([key]) => key.endsWith('-auth-token'));
    const { access_token: token } = JSON.parse(stored?.[1] ?? '{}') as { access_token: string };
    const config = (await (await fetch('/config.json')).json()) as { publishableKey: string };
    const answer = await fetch('/rest/v1/schools', {
      method: 'POST',
      headers: {
        apikey: config.publishableKey,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ school_group_id: groupId, name: 'École 11' }),
    });
    return { status: answer.status, body: (await answer.json()) as { code: string } };
  }, lamarelle);
  expect(fromTheBrowser).toMatchObject({ status: 402, body: { code: 'PT402' } });
  await expect(
    db.query('insert into schools (name, school_group_id) values ($1, $2)', ['École 11', lamarelle]),
  ).rejects.toMatchObject({ code: 'PT402' });

  await guard.getByRole('button', { name: 'Mettre à niveau mon plan' }).click();
  const plans = vianney.getByRole('dialog', { name: 'Comparer les plans' });
  await expect(plans.getByText('Au-delà : 7 écoles.')).toBeVisible();
  await expect(plans.getByText(/avec le code de votre groupe : LAMARELLE/)).toBeVisible();
});

test('test 1 of the founding document: its UPDATE changes what Vianney sees', async ({ open, db }) => {
  const vianney = await open('vianney');
  await expectPlan(vianney, 'Pro');
  await expectLive(vianney);
  await db.query(`
UPDATE subscriptions
SET plan_id = (SELECT id FROM subscription_plans WHERE slug = 'premium')
WHERE school_group_id = (SELECT id FROM school_groups WHERE name = 'LAMARELLE');
`);
  await expect(vianney.locator('[data-sonner-toast]')).toContainText('Plan mis à jour vers Premium');
  await expectPlan(vianney, 'Premium');
});

test('test 2 of the founding document: its INSERT of ten schools reaches the limit and closes the guard', async ({
  open,
  db,
  lamarelle,
}) => {
  const insert = `
INSERT INTO schools (name, school_group_id)
SELECT 'École ' || i, '${lamarelle}'
FROM generate_series(1, 10) i;
`;
  const vianney = await open('vianney');
  await expectLive(vianney);
  // One school is there already: ten more are one too many, and not one of them is inserted.
  await expect(db.query(insert)).rejects.toMatchObject({ code: 'PT402' });
  await expect(meter(vianney, 'Écoles')).toHaveAttribute('aria-valuetext', '1 sur 10');

  await db.query(`delete from schools where school_group_id = $1`, [lamarelle]);
  await db.query(insert);
  const guard = vianney.locator('[data-guard="closed"]');
  await expect(guard).toContainText('Limite atteinte : 10 écoles');
  await expect(guard.getByRole('button', { name: 'Mettre à niveau mon plan' })).toBeVisible();

  await db.query(`delete from schools where school_group_id = $1`, [lamarelle]);
  await db.query(
    `insert into schools (name, school_group_id, city) values ('Lamarelle', $1, 'Brazzaville')`,
    [lamarelle],
  );
  await expect(vianney.getByRole('button', { name: 'Créer une école' })).toBeVisible();
});

test('a change that was overtaken says so, shows the new preview, and then goes through', async ({
  open,
  db,
  lamarelle,
}) => {
  const admin = await open('superAdmin', `/console/groupes/${lamarelle}`);
  await admin.getByRole('radio', { name: 'Premium' }).check();
  const schools = admin.getByRole('table', { name: 'Pro → Premium' }).getByRole('row', { name: /^Écoles/ });
  await expect(schools).toContainText('1 / 3');
  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(1, 4) i`,
    [lamarelle],
  );
  await admin.getByLabel('Motif (obligatoire)').fill('Impayé');
  await admin.getByRole('button', { name: 'Passer à Premium' }).click();
  await expect(admin.getByRole('alert').filter({ hasText: 'L’aperçu vient d’être recalculé' })).toBeVisible();
  await expect(schools).toContainText('2 écoles au-delà : création bloquée, rien n’est supprimé');
  await expect(badge(admin)).toHaveText('Pro');

  await admin.getByRole('button', { name: 'Passer à Premium' }).click();
  await expect(badge(admin)).toHaveText('Premium');
});

test('the list of groups follows a change without being asked', async ({ open, db, lamarelle }) => {
  const admin = await open('superAdmin', '/console/groupes?q=LAMARELLE');
  const row = admin.getByRole('row', { name: /LAMARELLE/ });
  await expect(row).toContainText('Pro');
  await expectLive(admin);
  await db.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = 'gratuit') where school_group_id = $1`,
    [lamarelle],
  );
  await expect(row).toContainText('Gratuit');
  await expect(row).toContainText('1 / 1');
  await expect(row).toContainText('Atteinte');
});
