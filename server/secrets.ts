import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ServerError, explainFileError } from './errors.ts';

const schema = z.object({
  /** Signs the access tokens, HS256. */
  jwtSecret: z.string().min(32),
  /** Lets a browser in as `anon` until somebody signs in. Public. */
  publishableKey: z.string().startsWith('sb_publishable_'),
  /** Acts as `service_role`, past every policy. */
  secretKey: z.string().startsWith('sb_secret_'),
  /** Passwords of the database roles that log in. */
  databasePasswords: z.object({
    supabase_admin: z.string().min(1),
    postgres: z.string().min(1),
    authenticator: z.string().min(1),
  }),
});

export type Secrets = z.infer<typeof schema>;

/**
 * Reads the secrets, or makes them at the first start; readable by the owner alone.
 *
 * @param path absolute path of the file
 * @throws ServerError `data_dir_unusable` when the file is there but is not what was written
 */
export function loadSecrets(path: string): Secrets {
  try {
    if (!existsSync(path)) writeSecrets(path);
    chmodSync(path, 0o600);
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new ServerError(
        'data_dir_unusable',
        `The secrets in ${path} are damaged.`,
        'Restore the file from a copy; without its passwords the database beside it cannot be opened.',
        error,
      );
    }
    throw explainFileError(error, path);
  }
}

function writeSecrets(path: string): void {
  const random = (): string => randomBytes(24).toString('base64url');
  const secrets: Secrets = {
    jwtSecret: randomBytes(48).toString('base64url'),
    publishableKey: `sb_publishable_${random()}`,
    secretKey: `sb_secret_${random()}`,
    databasePasswords: { supabase_admin: random(), postgres: random(), authenticator: random() },
  };
  // Complete or absent: a start that was killed here leaves no half-written secrets.
  writeFileSync(`${path}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
