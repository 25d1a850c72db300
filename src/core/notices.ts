/** Notices as the view `notices` returns them. The kinds are the database's enum: a new one does not compile until every record names it. */
import type { Database } from '../../database/types.gen.ts';
import type { Resource, SubscriptionStatus } from './entitlements.ts';

export type NotificationKind = Database['public']['Enums']['notification_kind'];

/** What each kind of notice says, as parameters: each reader gets the sentence in their own language. */
interface NoticeParams {
  /** `threshold` is a share of the limit (0–1); `usage` and `limit` in rows, or bytes for storage. */
  usage_threshold: { threshold: number; usage: number; limit: number };
  /** Slugs of the plans. */
  plan_changed: { from: string; to: string };
  status_changed: { from: SubscriptionStatus; to: SubscriptionStatus };
  request_decided: { plan: string; status: 'approved' | 'refused'; review_note: string | null };
}

interface NoticeState {
  id: number;
  /** Where it stands among the group's notices: moves to the end when the notice rises. */
  turn: number;
  /** Of a notice that rises and falls, 1 to 3; `null` for an event. */
  level: number | null;
  /** When it came, or rose last. */
  raised_at: string;
  /** When usage fell below the lowest threshold; `null` while the notice stands, and for events. */
  resolved_at: string | null;
  /** Not resolved, and come or risen since the person signed in read it. */
  unread: boolean;
}

/** What a notice says. `resource` is that of a notice about one resource, `null` otherwise. */
export type NoticeContent<Kind extends NotificationKind = NotificationKind> = {
  [K in Kind]: { kind: K; params: NoticeParams[K]; resource: K extends 'usage_threshold' ? Resource : null };
}[Kind];

export type Notice = NoticeContent & NoticeState;
