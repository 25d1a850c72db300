/** Every screen in both languages, both themes, wide and at 360 px: no violation of WCAG 2.2 AA that axe can see. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test, type Account } from './fixtures.ts';

interface Screen {
  name: string;
  /** Nobody signed in when absent. */
  account?: Account;
  path: string;
  /** What the screen holds once it is complete. */
  ready: (page: Page) => Promise<void>;
}

const LANGUAGES = ['fr', 'en'] as const;
const THEMES = ['light', 'dark'] as const;
const WIDTHS = [1280, 360] as const;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const meters = (page: Page) => expect(page.getByRole('meter').first()).toBeVisible();
const rows = (page: Page) => expect(page.getByRole('rowheader').first()).toBeVisible();
const heading = (page: Page) => expect(page.getByRole('heading', { level: 1 })).toBeVisible();

async function opened(page: Page, button: RegExp): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
}

const SCREENS: Screen[] = [
  { name: 'sign-in', path: '/connexion', ready: heading },
  { name: 'dashboard', account: 'vianney', path: '/tableau-de-bord', ready: meters },
  { name: 'dashboard near and at limits', account: 'edja', path: '/tableau-de-bord', ready: meters },
  { name: 'dashboard with a closed guard', account: 'ngongo', path: '/tableau-de-bord', ready: meters },
  { name: 'schools', account: 'vianney', path: '/ecoles', ready: rows },
  {
    name: 'schools, none found',
    account: 'vianney',
    path: '/ecoles?q=zzz',
    ready: (page) => expect(page.getByText(/zzz/)).toBeVisible(),
  },
  {
    name: 'a new school',
    account: 'vianney',
    path: '/ecoles',
    ready: (page) => opened(page, /Créer une école|Create a school/),
  },
  {
    name: 'modules, open and locked',
    account: 'edja',
    path: '/modules',
    ready: (page) => expect(page.locator('[data-module]')).toHaveCount(47),
  },
  {
    name: 'plans compared',
    account: 'edja',
    path: '/modules',
    ready: async (page) => {
      await opened(page, /Voir les plans|See the plans/);
      await expect(page.getByRole('dialog').getByRole('table')).toBeVisible();
    },
  },
  { name: 'staff’s modules', account: 'staff', path: '/modules', ready: heading },
  { name: 'groups', account: 'superAdmin', path: '/console/groupes', ready: rows },
  {
    name: 'one’s own account',
    account: 'vianney',
    path: '/compte',
    ready: (page) => expect(page.locator('[data-session="current"]')).toBeVisible(),
  },
  {
    name: 'one’s own account, with the second factor being set up',
    account: 'superAdmin',
    path: '/compte',
    ready: async (page) => {
      await expect(page.locator('[data-session="current"]')).toBeVisible();
      await page.getByRole('button', { name: /^(Activer|Turn on)$/ }).click();
      await expect(page.getByRole('img', { name: /QR/ })).toBeVisible();
    },
  },
  { name: 'not found', account: 'vianney', path: '/nulle-part', ready: heading },
];

async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const found = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map((node) => node.html),
  }));
  expect(found, what).toEqual([]);
}

async function expectNoSidewaysScroll(page: Page, what: string): Promise<void> {
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(widths[0], `${what}: width of the page`).toBeLessThanOrEqual(widths[1] ?? 0);
}

/** Looks at a screen in each of the eight ways: loaded once a language, then lit and resized where it is. */
async function inEveryLook(page: Page, screen: Screen): Promise<void> {
  for (const language of LANGUAGES) {
    await page.evaluate((locale) => localStorage.setItem('epilot.locale', locale), language);
    await page.goto(screen.path);
    await screen.ready(page);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await expect(page.locator('html')).toHaveClass(theme === 'dark' ? 'dark' : '');
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        const what = `${screen.name}, ${language}, ${theme}, ${width} px`;
        await expectNoSidewaysScroll(page, what);
        await expectAccessible(page, what);
      }
    }
  }
}

/** Eight analyses of a full screen take a busy machine a while. */
test.describe.configure({ timeout: 240_000 });

for (const screen of SCREENS) {
  test(`${screen.name}: in both languages and themes, wide and at 360 px`, async ({ open, page }) => {
    const window = screen.account ? await open(screen.account) : page;
    if (!screen.account) await window.goto('/connexion');
    await inEveryLook(window, screen);
  });
}

test('a group with the preview of a change: in both languages and themes, wide and at 360 px', async ({
  open,
  lamarelle,
}) => {
  const admin = await open('superAdmin');
  await inEveryLook(admin, {
    name: 'a group',
    path: `/console/groupes/${lamarelle}`,
    ready: async (page) => {
      await page.getByRole('radio', { name: 'Premium' }).check();
      await expect(page.getByRole('table', { name: 'Pro → Premium' })).toBeVisible();
    },
  });
});

test('between phone and desk nothing scrolls sideways', async ({ open }) => {
  const admin = await open('superAdmin');
  for (const width of [320, 600, 768, 900, 1024, 1100]) {
    await admin.setViewportSize({ width, height: 800 });
    await rows(admin);
    await expectNoSidewaysScroll(admin, `groups at ${width} px`);
  }
});
