/** One's own account: password, sessions, second factor; and the second step at sign-in. */
import { Secret, TOTP } from 'otpauth';
import type { Locator, Page } from '@playwright/test';
import type { Client } from 'pg';
import { ACCOUNTS, expect, expectLive, PASSWORD, signIn, test, type Account } from './fixtures.ts';

const card = (page: Page, name: string) => page.getByRole('region', { name });
const field = (page: Page, name: string) => card(page, 'Mot de passe').getByLabel(name, { exact: true });

async function fillPassword(page: Page, current: string, next: string, repeat = next): Promise<void> {
  await field(page, 'Mot de passe actuel').fill(current);
  await field(page, 'Nouveau mot de passe').fill(next);
  await field(page, 'Nouveau mot de passe, encore une fois').fill(repeat);
  await page.getByRole('button', { name: 'Changer le mot de passe' }).click();
}

/** Puts back the password hash of an account, and takes away its second factors. */
async function keepingAccount(db: Client, account: Account, run: () => Promise<void>): Promise<void> {
  const email = ACCOUNTS[account];
  const { rows } = await db.query<{ encrypted_password: string }>(
    'select encrypted_password from auth.users where email = $1',
    [email],
  );
  try {
    await run();
  } finally {
    await db.query('update auth.users set encrypted_password = $2 where email = $1', [
      email,
      rows[0]!.encrypted_password,
    ]);
    await db.query(
      'delete from auth.mfa_factors where user_id = (select id from auth.users where email = $1)',
      [email],
    );
  }
}

test('the account page is in reach of every role, by the navigation and on a phone', async ({ page }) => {
  await signIn(page, 'staff');
  await page.getByRole('link', { name: 'Mon compte' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Mon compte');
  await expect(card(page, 'Double authentification')).toHaveCount(0);
  await page.setViewportSize({ width: 320, height: 700 });
  await page.goto('/modules');
  await page.getByRole('button', { name: 'Compte' }).click();
  await page.getByRole('link', { name: 'Mon compte' }).click();
  await expect(page).toHaveURL(/\/compte$/);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('[data-session="current"]')).toContainText('Chrome sur Linux');
});

test('a password is changed, with what is wrong said at its field; other sessions end', async ({
  page,
  browser,
  baseURL,
  db,
}) => {
  await keepingAccount(db, 'edja', async () => {
    const elsewhere = await (await browser.newContext({ baseURL: baseURL! })).newPage();
    await signIn(elsewhere, 'edja');
    await expectLive(elsewhere);
    await signIn(page, 'edja');
    await page.goto('/compte');

    await fillPassword(page, PASSWORD, 'court');
    await expect(page.getByText('Le mot de passe compte au moins 10 caractères.')).toBeVisible();
    await fillPassword(page, PASSWORD, 'une-phrase-retenue', 'une-autre-phrase');
    await expect(page.getByText('Les deux saisies diffèrent.')).toBeVisible();
    await fillPassword(page, 'not-the-password', 'une-phrase-retenue');
    await expect(page.getByText('Ce n’est pas votre mot de passe actuel.')).toBeVisible();
    await expect(field(page, 'Mot de passe actuel')).toBeFocused();
    await fillPassword(page, PASSWORD, 'une-phrase-retenue');
    await expect(page.getByText('Mot de passe changé')).toBeVisible();
    await expect(field(page, 'Mot de passe actuel')).toHaveValue('');

    const over = elsewhere.getByRole('dialog', { name: 'Session terminée' });
    await expect(over).toContainText('le mot de passe a changé');
    await over.getByLabel('Mot de passe', { exact: true }).fill('une-phrase-retenue');
    await elsewhere.keyboard.press('Enter');
    await expect(over).toBeHidden();
    await elsewhere.context().close();
  });
});

test('sessions are seen, one is ended, then all others', async ({ page, browser, baseURL, db }) => {
  await db.query('delete from auth.sessions where user_id = (select id from auth.users where email = $1)', [
    ACCOUNTS.ngongo,
  ]);
  const others: Page[] = [];
  for (const userAgent of [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36',
  ]) {
    const other = await (await browser.newContext({ baseURL: baseURL!, userAgent })).newPage();
    await signIn(other, 'ngongo');
    await expectLive(other);
    others.push(other);
  }
  const over = (other: Page) => expect(other.getByRole('dialog', { name: 'Session terminée' })).toBeVisible();
  await signIn(page, 'ngongo');
  await page.goto('/compte');
  const rows = page.locator('[data-session]');
  await expect(rows).toHaveCount(4);
  await expect(rows.filter({ hasText: 'Cette session' })).toHaveCount(1);
  await expect(rows.filter({ hasText: 'Safari sur iPhone' })).toContainText('127.0.0.1');

  await page.getByRole('button', { name: 'Fermer la session Safari sur iPhone' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Fermer', exact: true }).last().click();
  await expect(rows).toHaveCount(3);
  await over(others[0]!);

  await page.getByRole('button', { name: 'Fermer toutes les autres' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Fermer', exact: true }).last().click();
  await expect(rows).toHaveCount(1);
  await over(others[1]!);
  await over(others[2]!);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  for (const other of others) await other.context().close();
});

test('a list of sessions that cannot be read says so, and is read again on request', async ({ page }) => {
  await signIn(page, 'vianney');
  await page.route('**/rpc/my_sessions', (route) => route.abort());
  await page.goto('/compte');
  const sessions = card(page, 'Mes sessions');
  await expect(sessions.getByText('Le serveur ne répond pas. Vérifiez votre connexion.')).toBeVisible();
  await page.unroute('**/rpc/my_sessions');
  await sessions.getByRole('button', { name: 'Réessayer' }).click();
  await expect(sessions.locator('[data-session="current"]')).toBeVisible();
});

/** The authenticator app: a code is good once, so each is of a step of its own. */
function createApp(secret: string) {
  const totp = new TOTP({ secret: Secret.fromBase32(secret.replaceAll(' ', '')) });
  let step = -1;
  return (): string => {
    step += 1;
    // The server takes the step before, the present one and the next.
    return totp.generate({ timestamp: Date.now() + (step - 1) * 30_000 });
  };
}

test('a super admin sets up a second factor, signs in with it, and removes it', async ({ page, db }) => {
  await keepingAccount(db, 'superAdmin', async () => {
    await signIn(page, 'superAdmin');
    await page.goto('/compte');
    const factor = card(page, 'Double authentification');
    await expect(factor).toContainText('Désactivée');
    await factor.getByRole('button', { name: 'Activer' }).click();
    const picture = factor.getByRole('img', { name: /Code QR/ });
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth))
      .toBeGreaterThan(0);
    const nextCode = createApp(await factor.locator('code').innerText());
    const code = (where: Page | Locator) => where.getByLabel('Code à 6 chiffres');
    await expect(code(factor)).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(factor.getByText('Saisissez les 6 chiffres du code.')).toBeVisible();
    await code(factor).fill('000000');
    await page.keyboard.press('Enter');
    await expect(factor.getByText('Ce code n’est pas valable')).toBeVisible();
    await code(factor).fill(nextCode());
    await page.keyboard.press('Enter');
    await expect(factor.getByText('Activée')).toBeVisible();

    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await expect(page).toHaveURL(/\/connexion$/);
    await page.getByLabel('Adresse e-mail').fill(ACCOUNTS.superAdmin);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Se connecter' }).click();
    await expect(code(page)).toBeFocused();
    await expect(code(page)).toHaveAttribute('autocomplete', 'one-time-code');

    // The console stays closed, by address and after a reload.
    await page.goto('/console/groupes');
    await expect(code(page)).toBeFocused();
    await page.reload();
    await expect(page).toHaveURL(/\/connexion/);
    await code(page).fill('000000');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Ce code n’est pas valable')).toBeVisible();
    // Pasted as apps show it, with a space.
    const right = nextCode();
    await code(page).evaluate(
      (input: HTMLInputElement, text) => {
        input.select();
        document.execCommand('insertText', false, text);
      },
      `${right.slice(0, 3)} ${right.slice(3)}`,
    );
    await expect(code(page)).toHaveValue(right);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Groupes scolaires');
    await expectLive(page);

    await page.goto('/compte');
    await factor.getByRole('button', { name: 'Désactiver' }).click();
    await code(factor).fill(nextCode());
    await page.keyboard.press('Enter');
    await expect(factor.getByText('Désactivée', { exact: true })).toBeVisible();
    await page.goto('/console/groupes');
    await expect(page.getByRole('rowheader').first()).toBeVisible();
    await page.reload();
    await expect(page.getByRole('rowheader').first()).toBeVisible();
  });
});

test('a person at the second step can use another account instead', async ({ page, db }) => {
  await keepingAccount(db, 'superAdmin', async () => {
    await db.query(
      `insert into auth.mfa_factors (id, user_id, factor_type, status, secret, created_at, updated_at)
       select gen_random_uuid(), id, 'totp', 'verified', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', now(), now()
       from auth.users where email = $1`,
      [ACCOUNTS.superAdmin],
    );
    await page.goto('/connexion');
    await page.getByLabel('Adresse e-mail').fill(ACCOUNTS.superAdmin);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Se connecter' }).click();
    await page.getByRole('button', { name: 'Utiliser un autre compte' }).click();
    await page.getByLabel('Adresse e-mail').fill(ACCOUNTS.vianney);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Se connecter' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Bonjour Vianney');
  });
});
