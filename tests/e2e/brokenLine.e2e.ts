import { createCuttableLine } from '../helpers/cuttable.ts';
import { expect, expectLive, signIn, test } from './fixtures.ts';

test('a line that is cut while the plan changes twice: the screen is right as soon as it is back', async ({
  browser,
  baseURL,
  db,
  lamarelle,
}) => {
  const line = await createCuttableLine(baseURL ?? '');
  const context = await browser.newContext({ baseURL: line.url });
  const page = await context.newPage();
  const badge = page.getByTestId('plan-badge');
  const setPlan = (slug: string) =>
    db.query(
      'update subscriptions set plan_id = (select id from subscription_plans where slug = $1) where school_group_id = $2',
      [slug, lamarelle],
    );
  try {
    await signIn(page, 'vianney');
    await expect(badge).toHaveText('Pro');
    await expectLive(page);
    // The age that is told offline is that of the last confirmation: there must have been one.
    await expect(page.locator('main [data-connection]')).toContainText('à jour');

    await line.cut();
    await expect(page.locator('[data-connection="reconnecting"]').first()).toBeAttached();
    await setPlan('premium');
    // Offline is what it is called after ten seconds without a line.
    await expect(page.locator('[data-connection="offline"]').first()).toBeAttached({ timeout: 20_000 });
    await expect(page.locator('main [data-connection]')).toContainText('dernière mise à jour');
    await setPlan('gratuit');
    await expect(badge).toHaveText('Pro');

    await line.restore();
    const restoredAt = Date.now();
    await expect(badge).toHaveText('Gratuit');
    test.info().annotations.push({ type: 'right again after', description: `${Date.now() - restoredAt} ms` });
    await expectLive(page);
    await expect(page.getByTestId('modules-summary')).toHaveText('10 modules · 3 catégories');
  } finally {
    await context.close();
    await line.stop();
  }
});
