import { expect, expectLive, test } from './fixtures.ts';

test('a school is found, archived, brought back by undo', async ({ open, db, lamarelle }) => {
  await db.query(
    `insert into schools (name, school_group_id, city) select 'Annexe ' || i, $1, 'Ouesso' from generate_series(1, 3) i`,
    [lamarelle],
  );
  const page = await open('vianney', '/ecoles');
  await page.getByRole('searchbox', { name: 'Rechercher une école' }).fill('ouesso');
  await expect(page.getByRole('rowheader')).toHaveText(['Annexe 1', 'Annexe 2', 'Annexe 3']);
  await expect(page).toHaveURL(/q=ouesso/);

  await page.getByRole('button', { name: 'Archiver Annexe 2' }).click();
  await expect(page.getByRole('rowheader')).toHaveText(['Annexe 1', 'Annexe 3']);
  await expect(page.getByText('3 écoles actives')).toBeVisible();
  await page.getByRole('button', { name: 'Annuler' }).click();
  await expect(page.getByRole('rowheader')).toHaveText(['Annexe 1', 'Annexe 2', 'Annexe 3']);
  await expect(page.getByText('4 écoles actives')).toBeVisible();
});

test('a search may hold any character', async ({ open, db, lamarelle }) => {
  await db.query(`insert into schools (name, school_group_id) values ('100 % "Réussite", (Talangaï)', $1)`, [
    lamarelle,
  ]);
  const page = await open('vianney', '/ecoles');
  const search = page.getByRole('searchbox', { name: 'Rechercher une école' });
  for (const text of ['100 %', '"Réussite"', ', (Tal', 'ï)']) {
    await search.fill(text);
    await expect(page.getByRole('rowheader')).toHaveText(['100 % "Réussite", (Talangaï)']);
    await search.fill('lamarelle');
    await expect(page.getByRole('rowheader')).toHaveText(['Lamarelle']);
  }
  await search.fill(String.raw`a\,b`);
  await expect(page.getByText('Aucune école ne correspond')).toBeVisible();
});

test('a school that is brought back when there is no room is refused with the reason', async ({
  open,
  db,
  lamarelle,
}) => {
  await db.query(`insert into schools (name, school_group_id, status) values ('Ancienne', $1, 'archived')`, [
    lamarelle,
  ]);
  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(1, 9) i`,
    [lamarelle],
  );
  const page = await open('vianney', '/ecoles?archivees=true');
  await page.getByRole('button', { name: 'Réactiver Ancienne' }).click();
  await expect(page.getByText('La limite de votre plan est atteinte.')).toBeVisible();
  await expect(page.getByRole('rowheader', { name: 'Ancienne' })).toBeVisible();
});

test('the limit closes while somebody types: the text stays, and the button opens by itself', async ({
  open,
  db,
  lamarelle,
}) => {
  const page = await open('vianney', '/ecoles');
  await expectLive(page);
  await page.getByRole('button', { name: 'Créer une école' }).click();
  const dialog = page.getByRole('dialog', { name: 'Nouvelle école' });
  await dialog.getByLabel('Nom de l’école').fill('Mpaka');
  await db.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = 'gratuit') where school_group_id = $1`,
    [lamarelle],
  );
  await expect(dialog.getByText('Limite atteinte : 1 école')).toBeVisible();
  await expect(dialog.getByLabel('Nom de l’école')).toHaveValue('Mpaka');
  await expect(dialog.getByRole('button', { name: 'Créer l’école' })).toBeDisabled();
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/schools')) sent.push(request.url());
  });
  await dialog.getByLabel('Nom de l’école').press('Enter');
  await db.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = 'pro') where school_group_id = $1`,
    [lamarelle],
  );
  await dialog.getByRole('button', { name: 'Créer l’école' }).click();
  await expect(page.getByRole('rowheader', { name: 'Mpaka' })).toBeVisible();
  // Enter in the field went nowhere while the guard was closed.
  expect(sent).toHaveLength(1);
});

test('a school given up while the line was down is not created when it returns', async ({
  open,
  lamarelle,
  db,
}) => {
  const page = await open('vianney', '/ecoles');
  await expectLive(page);
  await page.getByRole('button', { name: 'Créer une école' }).click();
  const dialog = page.getByRole('dialog', { name: 'Nouvelle école' });
  await dialog.getByLabel('Nom de l’école').fill('Abandonnée');
  await page.context().setOffline(true);
  await dialog.getByRole('button', { name: 'Créer l’école' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Le serveur ne répond pas');
  await dialog.getByRole('button', { name: 'Fermer' }).click();
  await page.context().setOffline(false);
  await expectLive(page);
  const { rowCount } = await db.query(
    `select from schools where school_group_id = $1 and name = 'Abandonnée'`,
    [lamarelle],
  );
  expect(rowCount).toBe(0);
});

test('a form that is sent twice is one school', async ({ open, db, lamarelle }) => {
  const page = await open('vianney', '/ecoles');
  await page.getByRole('button', { name: 'Créer une école' }).click();
  const dialog = page.getByRole('dialog', { name: 'Nouvelle école' });
  await dialog.getByLabel('Nom de l’école').fill('Deux fois');
  // The row is written, but its answer is lost; the person presses the button again.
  await page.route(
    '**/rest/v1/schools*',
    async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await dialog.getByRole('button', { name: 'Créer l’école' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Le serveur ne répond pas');
  await dialog.getByRole('button', { name: 'Créer l’école' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('rowheader', { name: 'Deux fois' })).toBeVisible();
  const { rows } = await db.query('select 1 from schools where school_group_id = $1 and name = $2', [
    lamarelle,
    'Deux fois',
  ]);
  expect(rows).toHaveLength(1);
});

test('a list that cannot be had says so, and is tried again on request', async ({ open }) => {
  const page = await open('vianney', '/tableau-de-bord');
  await page.route('**/rest/v1/schools*', (route) => route.abort());
  await page
    .getByRole('link', { name: /^Écoles/ })
    .first()
    .click();
  await expect(page.getByRole('status').filter({ hasText: 'Chargement…' })).toBeAttached();
  await expect(page.getByRole('alert')).toContainText('Le serveur ne répond pas');
  await page.unroute('**/rest/v1/schools*');
  await page.getByRole('button', { name: 'Réessayer' }).click();
  await expect(page.getByRole('rowheader', { name: 'Lamarelle' })).toBeVisible();
});
