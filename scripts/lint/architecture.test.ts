// @vitest-environment node
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { judgeImport } from './architecture.ts';

describe('an import within the architecture', () => {
  it.each([
    ['src/core/decide.ts', './entitlements.ts'],
    ['src/lib/queries/snapshot.ts', '@/core/snapshot.ts'],
    ['src/features/console/GroupsPage.tsx', '@/components/DataTable'],
    ['src/features/console/GroupsPage.tsx', './group/ChangePlan.tsx'],
    ['src/providers/RealtimePlanProvider.tsx', '@/features/dashboard/hooks/useRealtimePlanUpdates'],
    ['src/app/router.tsx', '@/features/console/GroupsPage'],
    ['server/realtime/encode.ts', 'ws'],
    ['server/start.ts', './realtime/gateway.ts'],
    ['server/monitor.ts', '../src/core/messages.ts'],
    ['server/http/health.ts', '../../package.json'],
    ['server/main.ts', 'node:fs'],
    ['src/core/decide.test.ts', 'fast-check'],
    ['tests/e2e/plan-change.e2e.ts', '../../server/start.ts'],
    ['vite.config.ts', 'vite'],
  ])('%s may import %s', (file, specifier) => expect(judgeImport(file, specifier)).toBeNull());
});

describe('an import across the architecture', () => {
  it.each([
    ['src/core/decide.ts', '../lib/supabase.ts'],
    ['src/core/decide.ts', '@/i18n/fr'],
    ['src/core/decide.ts', 'zod'],
    ['src/core/decide.ts', 'node:fs'],
    ['src/lib/session.ts', '@/features/auth/SignIn'],
    ['src/components/DataTable.tsx', '@/lib/supabase'],
    ['src/features/console/GroupsPage.tsx', '@/features/dashboard/hooks/usePlanRestrictionsRealtime'],
    ['src/features/console/GroupsPage.tsx', '../dashboard/hooks/usePlanRestrictionsRealtime'],
    ['src/features/console/GroupsPage.tsx', '@/app/router'],
    ['src/features/console/GroupsPage.tsx', 'pg'],
    ['src/providers/RealtimePlanProvider.tsx', '@/features/console/GroupsPage'],
    ['src/app/router.tsx', '../../server/config.ts'],
    ['server/realtime/encode.ts', '../../src/core/messages.ts'],
    ['server/realtime/encode.ts', '../config.ts'],
    ['server/realtime/encode.ts', 'hono'],
    ['server/main.ts', '../src/lib/supabase.ts'],
    ['server/main.ts', 'react'],
    ['server/main.ts', '../tests/helpers/server.ts'],
  ])('%s must not import %s', (file, specifier) => expect(judgeImport(file, specifier)).toMatch(/must not/));
});

describe('oxlint', () => {
  const repository = join(import.meta.dirname, '..', '..');
  const copy = mkdtempSync(join(tmpdir(), 'epilot-lint-'));
  afterAll(() => rmSync(copy, { recursive: true }));

  function lint(path: string, source: string): { status: number | null; output: string } {
    for (const shared of ['.oxlintrc.json', 'scripts/lint/architecture.ts']) {
      cpSync(join(repository, shared), join(copy, shared));
    }
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), source);
    const { status, stdout } = spawnSync(join(repository, 'node_modules', '.bin', 'oxlint'), [path], {
      cwd: copy,
      encoding: 'utf8',
    });
    return { status, output: stdout };
  }

  it('fails on a wrong import, whichever way it is written', () => {
    for (const source of [
      `import { x } from '../lib/x.ts';\nexport const y = x;\n`,
      `export { x } from '../lib/x.ts';\n`,
      `export * from '../lib/x.ts';\n`,
      `export const y = import('../lib/x.ts');\n`,
    ]) {
      const { status, output } = lint('src/core/wrong.ts', source);
      expect(output).toContain('src/core must not import from src/lib/x.ts');
      expect(status).toBe(1);
    }
  });

  it('passes a right one', () => {
    expect(lint('src/core/right.ts', `export { x } from './x.ts';\n`).status).toBe(0);
  });
});
