import { RESOURCES } from '../../src/core/entitlements.ts';
import { STATE_EVENTS } from '../../src/core/messages.ts';
import type { Queryable } from './database.ts';

export interface SentMessage {
  topic: string;
  event: string;
  payload: Record<string, unknown> & { rev: number };
  private: boolean;
}

/** Messages of a topic in the order of their revisions, as they stand in `realtime.messages`. */
export async function messagesOf(db: Queryable, topic: string): Promise<SentMessage[]> {
  const { rows } = await db.query<SentMessage>(
    `select topic, event, payload, private from realtime.messages where topic = $1 and extension = 'broadcast'
     order by (payload->>'rev')::bigint, inserted_at`,
    [topic],
  );
  return rows;
}

/** The state messages of a group with a revision above `after`. */
export async function stateMessages(db: Queryable, group: string, after = 0): Promise<SentMessage[]> {
  const messages = await messagesOf(db, `group:${group}`);
  return messages.filter(
    ({ event, payload }) => (STATE_EVENTS as readonly string[]).includes(event) && payload.rev > after,
  );
}

/** What the newest state message must say: the group's state as it stands committed. */
export async function committedState(db: Queryable, group: string): Promise<Record<string, unknown>> {
  const { rows } = await db.query<Record<string, unknown>>(
    `select (select epoch from private.platform) as e, r.rev::int as rev, e.plan, e.plan_version as pv, e.status, e.warn_at::float as warn,
            to_jsonb(e.limits) as limits,
            (select jsonb_agg(used order by resource) from public.usage_counters c where c.school_group_id = $1) as usage
     from private.effective_entitlements e join private.group_states r using (school_group_id)
     where e.school_group_id = $1`,
    [group],
  );
  const state = rows[0];
  if (!state || (state['usage'] as unknown[]).length !== RESOURCES.length) {
    throw new Error(`No state of group ${group}`);
  }
  return state;
}
