/** The TypeScript types of schema `public`, as the Supabase CLI derives them from a migrated database. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const BIN = join(import.meta.dirname, '..', 'node_modules', '.bin');

const HEADER = `// Generated from the migrations by the Supabase CLI: do not edit. \`npm run generate\` writes it anew.\n\n`;

/**
 * Asks the CLI, which needs no Docker for a database given by its URL, and formats what it says.
 *
 * @param url connection URL of role `postgres` to a migrated database
 * @throws Error with the CLI's own words when it fails
 */
export async function generateTypes(url: string): Promise<string> {
  // A home of its own: the CLI shall neither read nor leave a profile, nor report its use to anybody.
  const home = await mkdtemp(join(tmpdir(), 'epilot-supabase-cli-'));
  try {
    const types = await run(
      'supabase',
      ['gen', 'types', 'typescript', '--schema', 'public', `--remote=${url}?sslmode=disable`],
      {
        SUPABASE_HOME: home,
        SUPABASE_TELEMETRY_DISABLED: '1',
        DO_NOT_TRACK: '1',
        SUPABASE_NO_UPDATE_NOTIFIER: '1',
        SUPABASE_NO_KEYRING: '1',
      },
    );
    return HEADER + (await run('oxfmt', ['--stdin-filepath', 'types.ts'], {}, types));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function run(
  program: string,
  args: string[],
  environment: Record<string, string>,
  input = '',
): Promise<string> {
  const child = spawn(join(BIN, program), args, {
    env: { ...process.env, ...environment },
    shell: process.platform === 'win32',
  });
  child.stdin.end(input);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [output, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`${program} ${args.slice(0, 2).join(' ')} failed: ${complaint || output}`);
  return output;
}
