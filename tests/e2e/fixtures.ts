import {
  test as base,
  expect,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from '@playwright/test';
import pg from 'pg';

export { expect } from '@playwright/test';

export const PASSWORD = 'Demo-epilot-2025';

export const ACCOUNTS = {
  superAdmin: 'superadmin@epilot.demo',
  vianney: 'vianney@lamarelle.demo',
  ngongo: 'admin@ngongo.demo',
  edja: 'admin@edja.demo',
  staff: 'secretariat@lamarelle.demo',
} as const;
export type Account = keyof typeof ACCOUNTS;

type StorageState = Exclude<BrowserContextOptions['storageState'], string | undefined>;

interface Fixtures {
  /** PostgreSQL as the owner of the tables. */
  db: pg.Client;
  /** A new window in which somebody is signed in, at the start of their space or at `path`. */
  open: (account: Account, path?: string, options?: BrowserContextOptions) => Promise<Page>;
  /** Id of LAMARELLE, which each test finds as the demo data has it: plan Pro, one school. */
  lamarelle: string;
}

/** Each account signs in once, while its session lasts: a sign-in costs the server a slow hash, on purpose. */
const sessions = new Map<Account, StorageState>();

/** The session that an account signed in to before, unless a test has ended it meanwhile. */
async function lastingSession(db: pg.Client, account: Account): Promise<StorageState | undefined> {
  const state = sessions.get(account);
  const stored = state?.origins.flatMap(({ localStorage }) => localStorage);
  const token = stored
    ?.map(({ value }) => /"access_token":"[^."]+\.([^."]+)\./.exec(value)?.[1])
    .find(Boolean);
  if (!token) return undefined;
  const { session_id: id } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { session_id: string };
  const { rowCount } = await db.query('select from auth.sessions where id = $1', [id]);
  return rowCount ? state : undefined;
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with \`npm run test:e2e\`.`);
  return value;
}

/** Fills the form as a person does and waits for the space behind it. */
export async function signIn(page: Page, account: Account): Promise<void> {
  await page.goto('/connexion');
  await page.getByLabel('Adresse e-mail').fill(ACCOUNTS[account]);
  await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await expect(page).not.toHaveURL(/\/connexion/);
}

async function resetLamarelle(db: pg.Client): Promise<string> {
  const group = `(select id from school_groups where name = 'LAMARELLE')`;
  await db.query(`delete from schools where school_group_id = ${group} and name <> 'Lamarelle'`);
  await db.query(`update schools set status = 'active' where school_group_id = ${group}`);
  await db.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = 'pro')
     where school_group_id = ${group}`,
  );
  const { rows } = await db.query<{ id: string }>(`select ${group} as id`);
  return rows[0]?.id ?? '';
}

/** Playwright's test with windows that are signed in, and the database beside them. */
export const test = base.extend<Fixtures>({
  db: async ({ browserName: _browser }, provide) => {
    const db = new pg.Client({ connectionString: required('EPILOT_E2E_DATABASE_URL') });
    await db.connect();
    await provide(db);
    await db.end();
  },

  open: async ({ browser, db }, provide) => {
    const contexts: BrowserContext[] = [];
    const problems: string[] = [];
    await provide(async (account, path = '/', options = {}) => {
      const storageState = await lastingSession(db, account);
      const context = await browser.newContext({ ...options, ...(storageState && { storageState }) });
      contexts.push(context);
      const page = await context.newPage();
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        // What the server's security policy refuses is only told here.
        if (message.text().includes('Content Security Policy')) problems.push(message.text());
      });
      if (!storageState) {
        await signIn(page, account);
        sessions.set(account, await context.storageState());
      }
      await page.goto(path);
      return page;
    });
    for (const context of contexts) await context.close();
    expect(problems, 'errors that a window did not expect').toEqual([]);
  },

  lamarelle: [async ({ db }, provide) => provide(await resetLamarelle(db)), { auto: true }],
});

/** Waits until the window hears of changes as they commit. */
export async function expectLive(page: Page): Promise<void> {
  await expect(page.locator('[data-connection="live"]').first()).toBeAttached();
}

/** Presses Tab until a control has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 80; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never reached ${String(target)}`);
}
