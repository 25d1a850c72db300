/** Without a mouse: everything that the two main tasks need is reached and worked with keys alone. */
import { expect, tabTo, test } from './fixtures.ts';

test('a school is created by keyboard alone', async ({ open }) => {
  const page = await open('vianney');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Aller au contenu' })).toBeFocused();
  await tabTo(page, page.getByRole('link', { name: /^Écoles/ }).first());
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Écoles' })).toBeFocused();
  await expect(page).toHaveTitle('Écoles · E-Pilot');

  const create = page.getByRole('button', { name: 'Créer une école' });
  await tabTo(page, create);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Nouvelle école' });
  await tabTo(page, dialog.getByLabel('Nom de l’école'));
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('Le nom compte au moins 2 caractères.')).toBeVisible();
  await expect(dialog.getByLabel('Nom de l’école')).toBeFocused();
  await page.keyboard.type('Sans souris');
  await tabTo(page, dialog.getByRole('button', { name: 'Créer l’école' }));
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('rowheader', { name: 'Sans souris' })).toBeVisible();
  await expect(create).toBeFocused();

  await page.keyboard.press('Enter');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(create).toBeFocused();
});

test('a plan is changed by keyboard alone', async ({ open }) => {
  const page = await open('superAdmin');
  await tabTo(page, page.getByRole('searchbox', { name: 'Rechercher un groupe' }));
  await page.keyboard.type('lamarelle');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('rowheader')).toHaveCount(1);
  await tabTo(page, page.getByRole('link', { name: 'LAMARELLE' }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'LAMARELLE' })).toBeFocused();

  await tabTo(page, page.getByRole('radio', { name: 'Gratuit' }));
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('radio', { name: 'Premium' })).toBeChecked();
  await expect(page.getByRole('table', { name: 'Pro → Premium' })).toBeVisible();
  await tabTo(page, page.getByText('Voir les noms').locator('xpath=ancestor::summary'));
  await page.keyboard.press('Enter');
  await expect(page.getByText('Infirmerie')).toBeVisible();

  const confirm = page.getByRole('button', { name: 'Passer à Premium' });
  await tabTo(page, confirm);
  await page.keyboard.press('Enter');
  await expect(page.getByText('Écrivez pourquoi le plan change.')).toBeVisible();
  await expect(page.getByLabel('Motif (obligatoire)')).toBeFocused();
  await page.keyboard.type('Au clavier');
  await tabTo(page, confirm);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('plan-badge')).toHaveText('Premium');
});
