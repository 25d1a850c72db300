/**
 * Takes the pictures of the README from the product itself, with its demo data: `npm run screenshots`.
 * Writes `docs/images/*.png`, 1280 × 800, light.
 */
import { chromium, type Page } from '@playwright/test';
import pg from 'pg';
import { browserOptions } from '../tests/e2e/browser.ts';
import { startDemoServer } from '../tests/e2e/demoServer.ts';
import { DEMO_PASSWORD } from '../server/demo.ts';

const server = await startDemoServer();
const db = new pg.Client({ connectionString: server.databaseUrl });
await db.connect();
const browser = await chromium.launch(await browserOptions());

/** Opens a window in which somebody is signed in. */
async function signIn(email: string): Promise<Page> {
  const page = await browser.newPage({
    baseURL: server.url,
    viewport: { width: 1280, height: 800 },
    locale: 'fr-FR',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  await page.goto('/connexion');
  await page.getByLabel('Adresse e-mail').fill(email);
  await page.getByLabel('Mot de passe', { exact: true }).fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await page.locator('main [data-connection="live"]').waitFor();
  return page;
}

const take = (page: Page, name: string) => page.screenshot({ path: `docs/images/${name}.png` });

try {
  const vianney = await signIn('vianney@lamarelle.demo');
  await vianney.getByRole('meter').first().waitFor();
  await db.query(`
    update subscriptions set plan_id = (select id from subscription_plans where slug = 'premium')
    where school_group_id = (select id from school_groups where name = 'LAMARELLE')`);
  await vianney.getByText('Plan mis à jour vers Premium').waitFor();
  await take(vianney, 'dashboard');

  const admin = await signIn('superadmin@epilot.demo');
  await admin.getByRole('rowheader').first().waitFor();
  await take(admin, 'console');

  await admin.getByLabel('Plan', { exact: true }).selectOption('pro');
  await admin.getByRole('link', { name: 'COLLÈGE LE BERCEAU' }).click();
  await admin.getByRole('radio', { name: 'Premium' }).check();
  await admin.getByRole('table', { name: 'Pro → Premium' }).waitFor();
  await admin.getByLabel('Motif (obligatoire)').fill('Non-renouvellement à la date prévue');
  await take(admin, 'change-plan');
} finally {
  await browser.close();
  await db.end();
  await server.stop();
}
