import { expect, test } from './fixtures.ts';

test('a warning comes by itself before the limit, is one that rises and falls, and ends as resolved', async ({
  open,
  db,
  lamarelle,
}) => {
  const page = await open('vianney');
  const notices = page.getByRole('region', { name: 'Avis récents' });
  await expect(notices).toBeVisible();
  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(1, 7) i`,
    [lamarelle],
  );
  const newest = notices.getByRole('listitem').first();
  await expect(newest).toContainText('Écoles : 80 % de la limite');
  await expect(newest).toContainText('8 sur 10 écoles');
  await expect(newest).toContainText('Nouveau');

  await notices.getByRole('button', { name: 'Tout marquer comme lu' }).click();
  await expect(notices.getByText('Nouveau')).toHaveCount(0);
  await page.reload();
  await expect(newest).toContainText('Écoles : 80 % de la limite');
  await expect(notices.getByRole('button')).toHaveCount(0);

  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(8, 9) i`,
    [lamarelle],
  );
  const warnings = notices.getByRole('listitem').filter({ hasText: 'écoles' });
  await expect(newest).toContainText('Limite atteinte : 10 écoles');
  await expect(newest).toContainText('Nouveau');
  await expect(warnings).toHaveCount(1);

  await db.query(`delete from schools where school_group_id = $1 and name like 'École %'`, [lamarelle]);
  await expect(newest).toContainText('Résolu');
  await expect(newest).not.toContainText('Nouveau');
  await expect(warnings).toHaveCount(1);
});

test('a notice leads to where the reader can act on it', async ({ open, db, lamarelle }) => {
  const page = await open('vianney');
  const notices = page.getByRole('region', { name: 'Avis récents' });
  await expect(notices).toBeVisible();
  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(1, 7) i`,
    [lamarelle],
  );
  await notices.getByRole('link', { name: 'Écoles : 80 % de la limite' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Écoles' })).toBeVisible();
});

test('a refusal met on a screen is on record, with the decision', async ({ open, db, lamarelle }) => {
  await db.query(`insert into schools (name, school_group_id, status) values ('Ancienne', $1, 'archived')`, [
    lamarelle,
  ]);
  await db.query(
    `insert into schools (name, school_group_id) select 'École ' || i, $1 from generate_series(1, 9) i`,
    [lamarelle],
  );
  const page = await open('vianney', '/ecoles?archivees=true');
  await page.getByRole('button', { name: 'Réactiver Ancienne' }).click();
  await expect
    .poll(async () => {
      const { rows } = await db.query<{ decision: unknown }>(
        'select decision from refusals where school_group_id = $1 order by id desc limit 1',
        [lamarelle],
      );
      return rows[0]?.decision;
    })
    .toMatchObject({ resource: 'schools', reason: 'limit_reached', limit: 10, usage: 10 });
});
