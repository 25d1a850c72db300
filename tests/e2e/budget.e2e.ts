import { gzipSync } from 'node:zlib';
import { expect, test } from './fixtures.ts';

/** What the first screen of a group admin may cost in JavaScript, gzip, bytes: it is read on slow phones. */
const BUDGET = 170 * 1024;

test('the group admin’s first screen stays within its budget of JavaScript', async ({ open }) => {
  const page = await open('vianney', '/tableau-de-bord');
  await expect(page.getByTestId('modules-summary')).toBeVisible();
  await expect(page.getByRole('meter').first()).toBeVisible();
  const scripts = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map((entry) => entry.name)
      .filter((name) => new URL(name).pathname.endsWith('.js')),
  );
  const sizes = await Promise.all(
    scripts.map(async (url) => gzipSync(await (await page.request.get(url)).body()).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  test.info().annotations.push({ type: 'JavaScript, gzip', description: `${total} bytes` });
  expect(scripts.length).toBeGreaterThan(0);
  expect(total, scripts.join(' ')).toBeLessThanOrEqual(BUDGET);
});
