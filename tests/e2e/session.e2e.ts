/** What becomes of a session while people work: a token is refused, tabs share one, answers are lost, clocks are wrong. */
import type { Page } from '@playwright/test';
import { expect, expectLive, signIn, test } from './fixtures.ts';
import {
  changeTokens,
  countExchanges,
  due,
  endSessions,
  EXCHANGE,
  lookAgain,
  spoilt,
  tokensOf,
} from './tokens.ts';

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Session terminée' });
const schools = (page: Page) => expect(page.getByRole('rowheader').first()).toBeVisible();

test('a refused access token is exchanged once, whatever meets it, and nobody notices', async ({
  page,
  context,
}) => {
  await signIn(page, 'vianney');
  await expectLive(page);
  const exchanges = await countExchanges(context);
  await changeTokens(page, spoilt);
  await lookAgain(page);
  await page.getByRole('link', { name: /^Écoles/ }).click();
  await schools(page);
  await page.getByRole('link', { name: 'Mes modules' }).click();
  await expect(page.locator('[data-module]')).toHaveCount(47);
  await expectLive(page);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(dialog(page)).toHaveCount(0);
  expect(exchanges()).toBe(1);
});

test('a page that is opened with a refused access token opens', async ({ page, context }) => {
  await signIn(page, 'vianney');
  const exchanges = await countExchanges(context);
  await changeTokens(page, spoilt);
  await page.goto('/ecoles');
  await schools(page);
  await expectLive(page);
  expect(exchanges()).toBe(1);
});

test('an exchange that fails for want of the network asks nobody for anything', async ({ page, context }) => {
  await signIn(page, 'vianney');
  await expectLive(page);
  let attempts = 0;
  await context.route(EXCHANGE, (route) => {
    attempts += 1;
    return route.abort();
  });
  await changeTokens(page, spoilt);
  await page.getByRole('link', { name: /^Écoles/ }).click();
  await expect(page.getByText('Le serveur ne répond pas. Vérifiez votre connexion.')).toBeVisible();
  await expect.poll(() => attempts).toBeGreaterThan(5);
  await expect(dialog(page)).toHaveCount(0);

  await context.unroute(EXCHANGE);
  await expect(async () => {
    await page.getByRole('button', { name: 'Réessayer' }).click({ timeout: 1_000 });
    await expect(page.getByRole('rowheader').first()).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expectLive(page);
  await expect(dialog(page)).toHaveCount(0);
});

/** Three tabs of one browser find their tokens due in the same instant. */
async function threeTabsShareOne(page: Page): Promise<void> {
  const context = page.context();
  await signIn(page, 'vianney');
  const tabs = [page, await context.newPage(), await context.newPage()];
  for (const tab of tabs) {
    await tab.goto('/ecoles');
    await schools(tab);
    await expectLive(tab);
  }
  const before = await tokensOf(page);
  const exchanges = await countExchanges(context);
  await changeTokens(page, due);
  await lookAgain(...tabs);
  await expect.poll(async () => (await tokensOf(page)).refresh_token).not.toBe(before.refresh_token);
  await changeTokens(page, spoilt);
  await lookAgain(...tabs);
  await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Mes modules' }).click()));
  for (const tab of tabs) {
    await expect(tab.locator('[data-module]')).toHaveCount(47);
    await tab.getByRole('link', { name: /^Écoles/ }).click();
    await schools(tab);
    await expect(dialog(tab)).toHaveCount(0);
    await expectLive(tab);
  }
  expect(exchanges()).toBe(2);
}

test('three tabs share one exchange', ({ page }) => threeTabsShareOne(page));

/** As on plain http in a school’s own network. */
test('three tabs share one exchange without Web Locks', async ({ page, context }) => {
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'locks', { value: undefined });
  });
  await threeTabsShareOne(page);
});

test('a reload in the middle of an exchange signs nobody out', async ({ page, context }) => {
  await signIn(page, 'vianney');
  await changeTokens(page, due);
  let lost = 0;
  await context.route(EXCHANGE, async (route) => {
    if (lost > 0) return route.continue();
    lost += 1;
    // The server does it; its answer meets a page that is gone.
    await route.fetch();
    return route.abort();
  });
  await page.reload();
  await expect.poll(() => lost).toBe(1);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Bonjour Vianney');
  await expectLive(page);
  await page.getByRole('link', { name: /^Écoles/ }).click();
  await schools(page);
  await expect(dialog(page)).toHaveCount(0);
});

const HOUR = 3_600_000;
for (const [clock, offset] of [
  ['five hours ahead', 5 * HOUR],
  ['five hours behind', -5 * HOUR],
  ['three years ahead', 26_280 * HOUR],
  ['three years behind', -26_280 * HOUR],
] as const) {
  test(`on a computer whose clock is ${clock} one works as on any other`, async ({ page, context }) => {
    await page.clock.install({ time: Date.now() + offset });
    const exchanges = await countExchanges(context);
    await signIn(page, 'vianney');
    await expectLive(page);
    await page.getByRole('link', { name: /^Écoles/ }).click();
    await schools(page);
    await page.reload();
    await schools(page);
    await lookAgain(page);
    await expectLive(page);
    expect(exchanges()).toBe(0);

    const before = await tokensOf(page);
    await page.clock.fastForward('59:30');
    await expect.poll(exchanges).toBe(1);
    await expect.poll(async () => (await tokensOf(page)).access_token).not.toBe(before.access_token);
    await page.getByRole('link', { name: 'Mes modules' }).click();
    await expect(page.locator('[data-module]')).toHaveCount(47);
    await expect(dialog(page)).toHaveCount(0);
    expect(exchanges()).toBe(1);
  });
}

test('a session that is ended elsewhere says so within seconds, on every tab', async ({
  page,
  context,
  db,
}) => {
  await signIn(page, 'ngongo');
  const other = await context.newPage();
  await other.goto('/ecoles');
  await schools(other);
  await expectLive(page);
  await expectLive(other);
  await endSessions(db, 'ngongo');
  for (const tab of [page, other]) {
    await expect(dialog(tab)).toContainText('fermée depuis un autre appareil');
  }
});

test('an account that is disabled says so, and asks for no password', async ({ page, db }) => {
  const disabled = (status: string) =>
    db.query(
      `update profiles set status = $1 where id = (select id from auth.users where email = 'secretariat@lamarelle.demo')`,
      [status],
    );
  await signIn(page, 'staff');
  await expectLive(page);
  try {
    await disabled('disabled');
    await expect(dialog(page)).toContainText('Votre compte a été désactivé');
    await expect(dialog(page).getByLabel('Mot de passe')).toHaveCount(0);
    await dialog(page).getByRole('button', { name: 'Aller à la connexion' }).click();
    await expect(page).toHaveURL(/\/connexion$/);
  } finally {
    await disabled('active');
  }
});

test('a group that is archived says so', async ({ page, db }) => {
  const setGroup = (status: string) =>
    db.query(`update school_groups set status = $1 where name = 'CG NGONGO'`, [status]);
  await signIn(page, 'ngongo');
  await expectLive(page);
  try {
    await setGroup('archived');
    await expect(dialog(page)).toContainText('Votre groupe scolaire est archivé');
  } finally {
    await setGroup('active');
  }
});
