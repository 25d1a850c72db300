import type { Account } from './accounts.ts';
import type { Queryable } from './database.ts';

export type AuditedAction =
  | 'login'
  | 'logout'
  | 'user_updated_password'
  | 'factor_in_progress'
  | 'verification_attempted'
  | 'factor_unenrolled';

/**
 * Writes an act to auth.audit_log_entries, with the names that Supabase's auth server has for them. One entry stands for
 * the same act of one account within a minute, so that repetition does not fill the disk; each enrolment of a factor has
 * its own, since these are counted. It is a transaction's last statement: it waits for who writes the same entry.
 */
export async function audit(
  database: Queryable,
  account: Pick<Account, 'id' | 'email'>,
  action: AuditedAction,
  address: string,
  traits: Record<string, unknown> = {},
): Promise<void> {
  const payload = { action, actor_id: account.id, actor_username: account.email, traits };
  const act = [account.id, action, ...(action === 'factor_in_progress' ? [traits['factor_id']] : [])].join(
    ' ',
  );
  await database.query(
    `insert into auth.audit_log_entries (id, payload, created_at, ip_address)
     values (md5($3 || date_trunc('minute', now() at time zone 'UTC'))::uuid, $1, now(), $2) on conflict (id) do nothing`,
    [JSON.stringify(payload), address, act],
  );
}
