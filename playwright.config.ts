import { defineConfig } from '@playwright/test';
import { browserOptions } from './tests/e2e/browser.ts';

/**
 * End-to-end tests: the real server on a fresh database with demo data (`globalSetup`), a real browser. One
 * worker: the tests share that server and put back what they change.
 */
export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '*.e2e.ts',
  globalSetup: './tests/e2e/globalSetup.ts',
  outputDir: '.cache/e2e',
  workers: 1,
  forbidOnly: Boolean(process.env['CI']),
  reporter: 'list',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    // Set by globalSetup; read anew by each worker.
    ...(process.env['EPILOT_E2E_URL'] && { baseURL: process.env['EPILOT_E2E_URL'] }),
    locale: 'fr-FR',
    timezoneId: 'Africa/Brazzaville',
    viewport: { width: 1280, height: 800 },
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: await browserOptions(),
    trace: 'retain-on-failure',
  },
});
