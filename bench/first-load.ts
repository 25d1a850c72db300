/**
 * P13: the first load on a slow phone, as Lighthouse has it: an empty cache, Slow 4G (150 ms, 1.6 Mbit/s), a processor
 * four times as slow as this one. Of the sign-in page, and of a group admin's first screen with the session that a
 * sign-in left.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from '@playwright/test';
import lighthouse, { type Flags, type Result as Report } from 'lighthouse';
import { DEMO_PASSWORD } from '../server/demo.ts';
import { browserOptions } from '../tests/e2e/browser.ts';
import { type Load, type Loads, judgeLoads } from './first-load-report.ts';
import { type Product, startProduct } from './product.ts';
import type { Part } from './report.ts';

const RUNS = 5;
/** Of the scripts of a group admin's first screen, gzip: the same as in tests/e2e/budget.e2e.ts. Bytes. */
const BUDGET = 170 * 1024;
const SIGN_IN = '/connexion';
const DASHBOARD = '/tableau-de-bord';

export const firstLoad: Part = {
  name: 'first-load',
  async run(progress) {
    await using product = await startProduct();
    const profile = await mkdtemp(join(tmpdir(), 'epilot-bench-'));
    const context = await chromium.launchPersistentContext(profile, {
      ...(await browserOptions()),
      args: ['--remote-debugging-port=0'],
      locale: 'fr-FR',
    });
    try {
      const port = await debuggingPortOf(profile);
      const loadAll = async (path: string): Promise<Loads> => {
        const url = `${product.url}${path}`;
        const simulated: Load[] = [];
        for (let run = 1; run <= RUNS; run++) {
          progress(`${path}, ${run} of ${RUNS}`);
          simulated.push(await load(url, { port, throttlingMethod: 'simulate' }));
        }
        progress(`${path}, throttling applied`);
        return { simulated, applied: await load(url, { port, throttlingMethod: 'devtools' }) };
      };
      const signInPage = await loadAll(SIGN_IN);
      await signIn(context, product);
      const firstScreen = await loadAll(DASHBOARD);
      return [
        judgeLoads('group admin’s first screen', firstScreen, BUDGET),
        judgeLoads('sign-in page', signInPage),
      ];
    } finally {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    }
  },
};

/** Chromium writes it, and the address, once it listens. */
async function debuggingPortOf(profile: string): Promise<number> {
  const [port] = (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
  return Number(port);
}

/** Signs in and leaves an empty page behind, so that nothing else of the product runs during the loads. */
async function signIn(context: BrowserContext, product: Product): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${product.url}${SIGN_IN}`);
  await page.getByLabel('Adresse e-mail').fill('vianney@lamarelle.demo');
  await page.getByLabel('Mot de passe', { exact: true }).fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await page.getByTestId('plan-badge').getByText('Pro', { exact: true }).waitFor();
  await page.goto('about:blank');
}

/**
 * Loads a page once. Lighthouse empties the cache before it and leaves the session in `localStorage` alone. It reports to
 * nobody: error reporting is only its command line's.
 */
async function load(url: string, flags: Pick<Flags, 'port' | 'throttlingMethod'>): Promise<Load> {
  const outcome = await lighthouse(url, {
    ...flags,
    formFactor: 'mobile',
    onlyCategories: ['performance'],
    disableFullPageScreenshot: true,
    logLevel: 'silent',
  });
  if (!outcome) throw new Error(`Lighthouse did not load ${url}`);
  const { lhr } = outcome;
  if (lhr.runtimeError) throw new Error(`Lighthouse did not load ${url}: ${lhr.runtimeError.message}`);
  if (lhr.finalDisplayedUrl !== url) throw new Error(`${url} led to ${lhr.finalDisplayedUrl}`);
  const number = (audit: string): number => lhr.audits[audit]?.numericValue ?? Number.NaN;
  const requests = requestsOf(lhr);
  const scripts = requests.filter(({ pathname }) => pathname.endsWith('.js'));
  return {
    performance: (lhr.categories['performance']?.score ?? 0) * 100,
    firstPaintMs: number('first-contentful-paint'),
    mainContentMs: number('largest-contentful-paint'),
    // The main content may come when the processor has long been quiet.
    interactiveMs: Math.max(number('interactive'), number('largest-contentful-paint')),
    blockedMs: number('total-blocking-time'),
    layoutShift: number('cumulative-layout-shift'),
    hostIndex: lhr.environment.benchmarkIndex,
    requests: requests.length,
    foreign: requests.filter(({ origin }) => origin !== new URL(url).origin).map(({ href }) => href),
    scriptBytes: await gzipBytes(scripts),
  };
}

function requestsOf(report: Report): URL[] {
  const { details } = report.audits['network-requests'] ?? {};
  if (details?.type !== 'table') throw new Error('Lighthouse told no requests');
  return (details.items as { url: string }[]).map(({ url }) => new URL(url));
}

/** What the server sends for these files to whoever takes gzip and nothing better. */
async function gzipBytes(urls: readonly URL[]): Promise<number> {
  const sizes = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
      await answer.body?.cancel();
      return Number(answer.headers.get('content-length'));
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
