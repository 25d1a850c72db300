import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { ServerError } from '../errors.ts';

/** The operating-system user that the database processes run as; `null` means the current one. */
export type Account = { uid: number; gid: number } | null;

const USER = 'postgres';

/**
 * Chooses the user for the database processes. PostgreSQL refuses to run as root, so root hands it to the owner
 * of an existing cluster, else to the system user `postgres`, which is created when the machine has none.
 *
 * @param dataDir directory of the cluster, which need not exist yet
 * @throws ServerError `postgres_unsupported` when root can find or make no such user
 */
export function chooseAccount(dataDir: string): Account {
  if (process.getuid?.() !== 0) return null;
  if (existsSync(dataDir)) {
    const { uid, gid } = statSync(dataDir);
    if (uid !== 0) return { uid, gid };
  }
  return findAccount() ?? createAccount();
}

function findAccount(): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${USER}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}

function createAccount(): Account {
  try {
    execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', USER]);
  } catch (cause) {
    throw noAccount(cause);
  }
  const account = findAccount();
  if (!account) throw noAccount();
  return account;
}

function noAccount(cause?: unknown): ServerError {
  return new ServerError(
    'postgres_unsupported',
    `PostgreSQL does not run as root, and no system user “${USER}” exists or could be created.`,
    'Start as an ordinary user, or create that user (useradd --system postgres) and start again.',
    cause,
  );
}
