import type { Account } from './accounts.ts';
import type { Queryable } from './database.ts';

export type AuditedAction =
  | 'login'
  | 'logout'
  | 'token_revoked'
  | 'user_updated_password'
  | 'factor_in_progress'
  | 'verification_attempted'
  | 'factor_unenrolled';

/** Writes an act to auth.audit_log_entries, with the names that Supabase's auth server has for them. */
export async function audit(
  database: Queryable,
  account: Pick<Account, 'id' | 'email'>,
  action: AuditedAction,
  address: string,
  traits: Record<string, unknown> = {},
): Promise<void> {
  const payload = { action, actor_id: account.id, actor_username: account.email, traits };
  await database.query(
    `insert into auth.audit_log_entries (id, payload, created_at, ip_address) values (gen_random_uuid(), $1, now(), $2)`,
    [JSON.stringify(payload), address],
  );
}
