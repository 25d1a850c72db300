import { defineConfig } from 'vitest/config';
import react from '@vitejs/plugin-react';

const alias = { '@': new URL('./src', import.meta.url).pathname };

/** Three projects, told apart by the suffix of a test file: see CONTRIBUTING.md. */
export default defineConfig({
  test: {
    // What libraries print of expected refusals is shown only where a test fails.
    silent: 'passed-only',
    projects: [
      {
        plugins: [react()],
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['{src,server,database,scripts,bench}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.db.test.{ts,tsx}', '**/node_modules/**'],
          environment: 'happy-dom',
          setupFiles: ['tests/helpers/unit-setup.ts'],
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'db',
          include: ['{src,server,database,tests,bench}/**/*.db.test.{ts,tsx}'],
          globalSetup: ['tests/helpers/cluster.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'property',
          include: ['tests/property/**/*.test.ts'],
          globalSetup: ['tests/helpers/cluster.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
