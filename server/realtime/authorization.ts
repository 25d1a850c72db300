/**
 * May this bearer read or write this topic? The answer is the project's own row-level security on
 * `realtime.messages`, asked in a transaction that is rolled back. See docs/adr/0011.
 *
 * Each question is one round trip; every value in it is quoted as a literal by `pg`.
 */
import { randomUUID } from 'node:crypto';
import { escapeLiteral } from 'pg';
import { actAs, isDatabaseTrouble, type Ask } from './asking.ts';
import { errorCode, RealtimeError } from './errors.ts';
import type { Logger } from './options.ts';
import type { Session } from './sessions.ts';

/** What a member may receive. */
export interface ReadRights {
  broadcast: boolean;
  presence: boolean;
}

export type Extension = keyof ReadRights;

/** Who asks about a topic. */
export interface Applicant {
  session: Session;
  /** Headers of the request, a JSON object with keys in lower case. */
  headers: string;
}

export interface Authorizer {
  /**
   * @param ask for this bearer, in its turn
   * @throws RealtimeError `UnableToSetPolicies` when the database did not answer
   */
  canRead(ask: Ask, applicant: Applicant, topic: string): Promise<ReadRights>;
  /**
   * @param ask for this bearer, in its turn
   * @throws RealtimeError `UnableToSetPolicies` when the database did not answer
   */
  canWrite(ask: Ask, applicant: Applicant, topic: string, extension: Extension): Promise<boolean>;
}

export function createAuthorizer(log: Logger): Authorizer {
  /** “No” where the policies failed, an error where the database did. */
  const denied = (error: unknown, session: Session, topic: string): false => {
    if (errorCode(error) === INSUFFICIENT_PRIVILEGE) return false;
    if (error instanceof RealtimeError) throw error;
    if (isDatabaseTrouble(error)) {
      throw new RealtimeError(
        'UnableToSetPolicies',
        'Realtime was unable to ask the project database',
        error,
      );
    }
    log.warn(
      { err: error, topic, role: session.role },
      'a policy on realtime.messages failed: access denied',
    );
    return false;
  };

  return {
    async canRead(ask, { session, headers }, topic) {
      const id = { broadcast: randomUUID(), presence: randomUUID() };
      const rows = (['broadcast', 'presence'] as const)
        .map((extension) => `('${id[extension]}', ${escapeLiteral(topic)}, '${extension}', true)`)
        .join(', ');
      try {
        // The probe rows are inserted with the gateway's own rights, then looked for with the bearer's.
        const visible = await ask(
          `insert into realtime.messages (id, topic, extension, private) values ${rows};` +
            actAs(session, { topic, headers }) +
            `select id from realtime.messages where id in ('${id.broadcast}', '${id.presence}');`,
        );
        const seen = new Set(visible.map((row) => row['id']));
        return { broadcast: seen.has(id.broadcast), presence: seen.has(id.presence) };
      } catch (error) {
        const no = denied(error, session, topic);
        return { broadcast: no, presence: no };
      }
    },

    async canWrite(ask, { session, headers }, topic, extension) {
      const row = `(${escapeLiteral(topic)}, '${extension}', true)`;
      try {
        await ask(
          `${actAs(session, { topic, headers })}insert into realtime.messages (topic, extension, private) values ${row};`,
        );
        return true;
      } catch (error) {
        return denied(error, session, topic);
      }
    },
  };
}

/** Refused by a policy or for want of a grant. */
const INSUFFICIENT_PRIVILEGE = '42501';
