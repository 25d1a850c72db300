import { ACCOUNTS, expect, expectLive, PASSWORD, signIn, test } from './fixtures.ts';
import { changeTokens, due, endSessions, lookAgain } from './tokens.ts';

test('a wrong password is said in one sentence, keeps the address and takes another try', async ({
  page,
}) => {
  await page.goto('/');
  await expect(page).toHaveURL(/\/connexion$/);
  await expect(page).toHaveTitle('Connexion · E-Pilot');
  await page.getByLabel('Adresse e-mail').fill(ACCOUNTS.vianney);
  await page.getByLabel('Mot de passe', { exact: true }).fill('not-the-password');
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await expect(page.getByRole('alert')).toHaveText('Adresse e-mail ou mot de passe incorrect.');
  await expect(page.getByLabel('Mot de passe', { exact: true })).toBeFocused();
  await expect(page.getByLabel('Adresse e-mail')).toHaveValue(ACCOUNTS.vianney);

  await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Bonjour Vianney');
});

test('an empty form names what is missing', async ({ page }) => {
  await page.goto('/connexion');
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await expect(page.getByText('Ce champ est obligatoire.')).toHaveCount(2);
  await expect(page.getByLabel('Adresse e-mail')).toBeFocused();
});

test('a demo account fills the form in one click', async ({ page }) => {
  await page.goto('/connexion');
  await page.getByRole('button', { name: /secretariat@lamarelle\.demo/ }).click();
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Mes modules');
});

test('sign-in leads to the page that was asked for, and only inside the app', async ({ page }) => {
  await page.goto('/ecoles?q=Lam');
  await expect(page).toHaveURL(/\/connexion\?suite=/);
  await page.getByLabel('Adresse e-mail').fill(ACCOUNTS.vianney);
  await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await expect(page).toHaveURL(/\/ecoles\?q=Lam$/);

  const origin = new URL(page.url()).origin;
  for (const elsewhere of ['//example.com/', 'https://example.com/', String.raw`/\example.com`]) {
    await page.goto(`/connexion?suite=${encodeURIComponent(elsewhere)}`);
    await expect(page).toHaveURL(`${origin}/tableau-de-bord`);
  }
});

test('a link cannot sign anybody in', async ({ page, open }) => {
  const other = await open('edja');
  const session = await other.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.endsWith('-auth-token')) ?? '';
    return JSON.parse(localStorage.getItem(key) ?? '{}') as Record<string, string>;
  });
  const { access_token = '', refresh_token = '' } = session;
  expect(access_token).not.toBe('');
  const link = new URLSearchParams({ access_token, refresh_token, expires_in: '3600', token_type: 'bearer' });
  await page.goto(`/#${link.toString()}`);
  await expect(page.getByRole('button', { name: 'Se connecter' })).toBeVisible();
  await expect(page).toHaveURL(/\/connexion/);
});

test('a page of another role does not exist for this one', async ({ open }) => {
  const staff = await open('staff', '/console/groupes');
  await expect(staff.getByRole('heading', { level: 1 })).toHaveText('Page introuvable');
  await staff.getByRole('link', { name: 'Retour à l’accueil' }).click();
  await expect(staff).toHaveURL(/\/modules$/);
  await expect(staff.getByRole('button', { name: 'Voir les plans' })).toHaveCount(0);
});

test('signing out ends the session in every tab of the browser', async ({ page, context }) => {
  await signIn(page, 'vianney');
  const other = await context.newPage();
  await other.goto('/modules');
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('Mes modules');
  await page.getByRole('button', { name: 'Se déconnecter' }).click();
  await expect(page).toHaveURL(/\/connexion$/);
  await expect(other).toHaveURL(/\/connexion$/);
  await expect(other.getByRole('status')).toHaveText(
    'Session terminée : vous vous êtes déconnecté dans un autre onglet.',
  );
  await expect(page.getByRole('status')).toHaveCount(0);
});

test('a session that the server no longer takes leads to the sign-in with a sentence', async ({
  page,
  db,
}) => {
  await signIn(page, 'ngongo');
  await endSessions(db, 'ngongo');
  await changeTokens(page, due);
  await page.reload();
  await expect(page).toHaveURL(/\/connexion/);
  await expect(page.getByRole('status')).toContainText('Votre session est terminée');
});

test('a session that ends while somebody types asks for the password, and keeps what was typed', async ({
  page,
  db,
}) => {
  await signIn(page, 'edja');
  await page.getByRole('button', { name: 'Créer une école' }).click();
  const name = page.getByLabel('Nom de l’école');
  await expect(name).toBeFocused();
  await name.fill('École du Niari');

  await endSessions(db, 'edja');
  await changeTokens(page, due);
  await lookAgain(page);
  const expired = page.getByRole('dialog', { name: 'Session terminée' });
  await expect(expired.getByLabel('Adresse e-mail')).toHaveValue(ACCOUNTS.edja);
  await expect(expired.getByLabel('Mot de passe', { exact: true })).toBeFocused();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(expired).toBeHidden();
  await expect(name).toHaveValue('École du Niari');
  await expectLive(page);
});
