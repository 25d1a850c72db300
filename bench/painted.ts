/** P10: from the commit of a plan change to the frame that shows it, in a real browser. */
import { chromium, type Page } from '@playwright/test';
import pg from 'pg';
import { DEMO_PASSWORD } from '../server/demo.ts';
import { browserOptions } from '../tests/e2e/browser.ts';
import { monotonicMs } from './clock.ts';
import { type Product, startProduct } from './product.ts';
import { type Part, short } from './report.ts';
import { summarise } from './statistics.ts';

const CHANGES = 200;
const TARGET_MS = 100;
/** From when on a change that is not on the screen counts as never shown, milliseconds. */
const LATE_MS = 10_000;
/** Changes after which the two clocks are compared anew. */
const CLOCK_EVERY = 20;
/** Pauses between changes, milliseconds: of many lengths, so that commits meet every moment of a frame. */
const PAUSE_MS = { least: 20, range: 60 };

interface Paint {
  plan: string;
  /** The page's clock, milliseconds: the badge changed in the document, and was on the screen. */
  changed: number;
  painted: number;
}

declare global {
  interface Window {
    /** Set by the benchmark: called after each paint of another plan. */
    tellPaint(paint: Paint): Promise<void>;
  }
}

export const painted: Part = {
  name: 'painted',
  async run(progress) {
    await using product = await startProduct();
    await using browser = await chromium.launch(await browserOptions());
    const page = await browser.newPage({ locale: 'fr-FR', viewport: { width: 1280, height: 800 } });
    const db = new pg.Client({ connectionString: product.databaseUrl });
    await db.connect();
    try {
      await signIn(page, product);
      const badge = await watchBadge(page);
      let requests = 0;
      page.on('request', () => (requests += 1));

      progress(`${CHANGES} plan changes`);
      const changed: number[] = [];
      const shown: number[] = [];
      const plans: string[] = [];
      let offset = 0;
      for (let n = 0; n < CHANGES && changed.length === n; n++) {
        if (n % CLOCK_EVERY === 0) offset = await clockOffset(page);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS.least + ((n * 37) % PAUSE_MS.range)));
        const plan = n % 2 === 0 ? 'Premium' : 'Pro';
        plans.push(plan);
        const next = badge.next(plan);
        const committing = await changePlan(db, plan);
        const paint = await next;
        if (paint) changed.push(paint.changed + offset - committing);
        shown.push(paint ? paint.painted + offset - committing : LATE_MS);
      }
      const summary = summarise(shown);
      return [
        {
          id: 'P10',
          what: 'commit → painted in Chromium',
          target: `p95 ≤ ${TARGET_MS} ms`,
          measured: `${short(summary.median)} ms, p95 ${short(summary.p95)} ms, p99 ${short(summary.p99)} ms`,
          comparedWith: 'the founding document’s 500 ms',
          ratio: summary.p95 / 500,
          met: summary.p95 <= TARGET_MS,
          broken: findWrongPaints(plans, badge.shown),
          figures: { painted_ms: summary, ...(changed.length > 0 && { in_document_ms: summarise(changed) }) },
          sizes: { changes: CHANGES },
        },
        {
          id: 'P9',
          what: `requests of an open tab in ${CHANGES} plan changes`,
          target: '0',
          measured: String(requests),
          comparedWith: `refetch on invalidate: ≥ ${CHANGES}`,
          ratio: requests / CHANGES,
          met: requests === 0,
          broken: [],
          figures: { requests },
        },
      ];
    } finally {
      await db.end();
    }
  },
};

async function signIn(page: Page, product: Product): Promise<void> {
  await page.goto(`${product.url}/connexion`);
  await page.getByLabel('Adresse e-mail').fill('vianney@lamarelle.demo');
  await page.getByLabel('Mot de passe', { exact: true }).fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Se connecter' }).click();
  await page.getByTestId('plan-badge').getByText('Pro', { exact: true }).waitFor();
  await page.locator('[data-connection="live"]').first().waitFor({ state: 'attached' });
}

/**
 * Compares what the badge showed with the plans that the group was given, one after the other.
 *
 * @returns a sentence for the first difference; empty when each plan was shown once and nothing else was
 */
export function findWrongPaints(plans: readonly string[], shown: readonly string[]): string[] {
  const first = plans.findIndex((plan, index) => shown[index] !== plan);
  if (first >= 0) {
    const instead = shown[first];
    return [
      instead === undefined
        ? `The screen never showed change ${first + 1}, to ${plans[first]}.`
        : `At change ${first + 1}, to ${plans[first]}, the screen showed ${instead || 'no plan'}.`,
    ];
  }
  if (shown.length === plans.length) return [];
  return [`After the last of ${plans.length} changes the screen went on to show ${shown[plans.length]}.`];
}

/** What the badge showed, in order, and its paints one by one. */
interface Badge {
  shown: readonly string[];
  /** Waits for the paint of a plan; undefined when it does not come in time. */
  next(plan: string): Promise<Paint | undefined>;
}

/** Has the page tell each paint of another plan. */
async function watchBadge(page: Page): Promise<Badge> {
  const shown: string[] = [];
  let told: (paint: Paint) => void = () => {};
  await page.exposeFunction('tellPaint', (paint: Paint) => {
    shown.push(paint.plan);
    told(paint);
  });
  await page.evaluate(() => {
    const text = (): string => document.querySelector('[data-testid="plan-badge"]')?.textContent ?? '';
    let last = text();
    new MutationObserver(() => {
      const plan = text();
      if (plan === last) return;
      last = plan;
      const changed = performance.now();
      // A frame's callbacks run before it is painted; a task posted by them runs after.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.addEventListener('message', () => {
          void window.tellPaint({ plan, changed, painted: performance.now() });
          port1.close();
        });
        port1.start();
        port2.postMessage(null);
      });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return {
    shown,
    next: (plan) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, LATE_MS);
        told = (paint) => {
          if (paint.plan !== plan) return;
          clearTimeout(timer);
          resolve(paint);
        };
      }),
  };
}

/**
 * What to add to the page's clock to get this process's: from the quickest of several questions, in the middle of
 * which the page looked at its clock. The error is at most half of that question's duration.
 */
async function clockOffset(page: Page): Promise<number> {
  let quickest = Infinity;
  let offset = 0;
  for (let i = 0; i < 10; i++) {
    const asked = monotonicMs();
    const there = await page.evaluate(() => performance.now());
    const duration = monotonicMs() - asked;
    if (duration >= quickest) continue;
    quickest = duration;
    offset = asked + duration / 2 - there;
  }
  return offset;
}

/** Changes LAMARELLE's plan; resolves with the instant just before the commit was asked for. */
async function changePlan(db: pg.Client, plan: string): Promise<number> {
  await db.query('begin');
  await db.query(
    `update public.subscriptions set plan_id = (select id from public.subscription_plans where name = $1)
     where school_group_id = (select id from public.school_groups where code = 'LAMARELLE')`,
    [plan],
  );
  const committing = monotonicMs();
  await db.query('commit');
  return committing;
}
