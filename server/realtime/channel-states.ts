/**
 * The life of one channel on the server.
 *
 *              join_allowed      access_token, rights_doubted, write_unknown
 *   joining ─────────────────▶ joined ─────────────────────────────▶ checking
 *      │                          │  ◀────────────────────────────────  │
 *      │ join_refused,            │          rights_kept, write_known   │
 *      │ phx_leave, replaced      │ phx_leave, replaced, expired,       │ rights_lost, phx_leave,
 *      ▼                          ▼ flooded, interrupted                ▼ replaced, flooded, interrupted
 *   closed ◀────────────────────────────────────────────────────────────┘
 *
 * Every cell of the table is filled, and the type of a cell admits only the actions that can take its event:
 * a missing or a wrong one does not compile. docs/REALTIME.md prints the table with its reasons.
 */
import type { ReadRights } from './authorization.ts';
import type { ClientFrame } from './frames.ts';
import type { Past } from './replay.ts';
import type { Session } from './sessions.ts';
import type { RealtimeError } from './errors.ts';

export type State = 'joining' | 'joined' | 'checking' | 'closed';

interface Events {
  /** The bearer may read: `rights` say what; `past` is what to replay. */
  join_allowed: { session: Session; rights: ReadRights; past: Past };
  join_refused: { error: RealtimeError };
  /** The client pushed a broadcast. */
  broadcast: { frame: ClientFrame };
  /** The client tracks or untracks itself. */
  presence: { frame: ClientFrame };
  /** The same push of either kind, when it is not known yet whether the bearer may write. */
  write_unknown: { frame: ClientFrame };
  /** `allowed` is null when the database did not answer. */
  write_known: { allowed: boolean | null; frame: ClientFrame };
  /** The client pushed a token that differs from the one in force. */
  access_token: { token: string };
  /** The bearer may have lost rights: they are asked for again. */
  rights_doubted: object;
  rights_kept: { session: Session; rights: ReadRights };
  rights_lost: { message: string };
  /** The token in force ran out. */
  expired: { message: string };
  /** The database feed, which the client asked to hear of, does not stream in time. */
  feed_away: { message: string };
  /** More pushes a second than the limit. */
  flooded: { message: string };
  /** A push that this gateway does not know or does not serve. */
  other: { frame: ClientFrame };
  phx_leave: { frame: ClientFrame };
  /** The same socket joins the same topic again. */
  replaced: object;
  /** Messages may be missing (the slot was lost), or rights cannot be told (the database is away). */
  interrupted: object;
  socket_gone: object;
}

export type EventType = keyof Events;
export type ChannelEvent<E extends EventType = EventType> = { [K in E]: { type: K } & Events[K] }[E];

/** What a transition does; the channel implements each. */
export interface Actions {
  admit(event: ChannelEvent<'join_allowed'>): void;
  refuse(event: ChannelEvent<'join_refused'>): void;
  /** Keeps the event until the check in flight is over: pushes keep their order. */
  defer(event: ChannelEvent<'broadcast' | 'presence' | 'access_token' | 'rights_doubted' | 'other'>): void;
  publish(event: ChannelEvent<'broadcast'>): void;
  track(event: ChannelEvent<'presence'>): void;
  askWrite(event: ChannelEvent<'write_unknown'>): void;
  settleWrite(event: ChannelEvent<'write_known'>): void;
  verify(event: ChannelEvent<'access_token'>): void;
  recheck(event: ChannelEvent<'rights_doubted'>): void;
  renew(event: ChannelEvent<'rights_kept'>): void;
  /** Error message of extension `system`, then `phx_close`: the client does not come back by itself. */
  expel(event: ChannelEvent<'rights_lost' | 'expired' | 'flooded' | 'feed_away'>): void;
  decline(event: ChannelEvent<'other'>): void;
  leave(event: ChannelEvent<'phx_leave'>): void;
  /** `phx_close`: the new channel of the same topic takes over. */
  giveWay(event: ChannelEvent<'replaced'>): void;
  /** `phx_error`: the client rejoins by itself and refetches. */
  fail(event: ChannelEvent<'interrupted'>): void;
  release(event: ChannelEvent<'socket_gone'>): void;
  /** The same, and keeps the rights for a moment: the line may have broken. */
  part(event: ChannelEvent<'socket_gone'>): void;
  ignore(event: ChannelEvent): void;
}

type ActionFor<E extends EventType> = {
  [A in keyof Actions]: ChannelEvent<E> extends Parameters<Actions[A]>[0] ? A : never;
}[keyof Actions];

type Row = { readonly [E in EventType]: { to: State; act: ActionFor<E> } };

export const TRANSITIONS: Readonly<Record<State, Row>> = {
  joining: {
    join_allowed: { to: 'joined', act: 'admit' },
    join_refused: { to: 'closed', act: 'refuse' },
    broadcast: { to: 'joining', act: 'defer' },
    presence: { to: 'joining', act: 'defer' },
    write_unknown: { to: 'joining', act: 'ignore' },
    write_known: { to: 'joining', act: 'ignore' },
    access_token: { to: 'joining', act: 'defer' },
    rights_doubted: { to: 'joining', act: 'defer' },
    rights_kept: { to: 'joining', act: 'ignore' },
    rights_lost: { to: 'joining', act: 'ignore' },
    // The join decides about its token itself.
    expired: { to: 'joining', act: 'ignore' },
    feed_away: { to: 'joining', act: 'ignore' },
    flooded: { to: 'closed', act: 'expel' },
    other: { to: 'joining', act: 'defer' },
    phx_leave: { to: 'closed', act: 'leave' },
    replaced: { to: 'closed', act: 'giveWay' },
    // The new slot stands already, so nothing committed after this join can be missed.
    interrupted: { to: 'joining', act: 'ignore' },
    socket_gone: { to: 'closed', act: 'release' },
  },
  joined: {
    join_allowed: { to: 'joined', act: 'ignore' },
    join_refused: { to: 'joined', act: 'ignore' },
    broadcast: { to: 'joined', act: 'publish' },
    presence: { to: 'joined', act: 'track' },
    write_unknown: { to: 'checking', act: 'askWrite' },
    write_known: { to: 'joined', act: 'ignore' },
    access_token: { to: 'checking', act: 'verify' },
    rights_doubted: { to: 'checking', act: 'recheck' },
    rights_kept: { to: 'joined', act: 'ignore' },
    rights_lost: { to: 'joined', act: 'ignore' },
    expired: { to: 'closed', act: 'expel' },
    feed_away: { to: 'closed', act: 'expel' },
    flooded: { to: 'closed', act: 'expel' },
    other: { to: 'joined', act: 'decline' },
    phx_leave: { to: 'closed', act: 'leave' },
    replaced: { to: 'closed', act: 'giveWay' },
    interrupted: { to: 'closed', act: 'fail' },
    socket_gone: { to: 'closed', act: 'part' },
  },
  checking: {
    join_allowed: { to: 'checking', act: 'ignore' },
    join_refused: { to: 'checking', act: 'ignore' },
    broadcast: { to: 'checking', act: 'defer' },
    presence: { to: 'checking', act: 'defer' },
    write_unknown: { to: 'checking', act: 'ignore' },
    write_known: { to: 'joined', act: 'settleWrite' },
    access_token: { to: 'checking', act: 'defer' },
    rights_doubted: { to: 'checking', act: 'defer' },
    rights_kept: { to: 'joined', act: 'renew' },
    rights_lost: { to: 'closed', act: 'expel' },
    // A fresh token may be what is being checked; if not, the next sweep finds the channel joined and expels it.
    expired: { to: 'checking', act: 'ignore' },
    feed_away: { to: 'closed', act: 'expel' },
    flooded: { to: 'closed', act: 'expel' },
    other: { to: 'checking', act: 'defer' },
    phx_leave: { to: 'closed', act: 'leave' },
    replaced: { to: 'closed', act: 'giveWay' },
    interrupted: { to: 'closed', act: 'fail' },
    socket_gone: { to: 'closed', act: 'release' },
  },
  closed: {
    join_allowed: { to: 'closed', act: 'ignore' },
    join_refused: { to: 'closed', act: 'ignore' },
    broadcast: { to: 'closed', act: 'ignore' },
    presence: { to: 'closed', act: 'ignore' },
    write_unknown: { to: 'closed', act: 'ignore' },
    write_known: { to: 'closed', act: 'ignore' },
    access_token: { to: 'closed', act: 'ignore' },
    rights_doubted: { to: 'closed', act: 'ignore' },
    rights_kept: { to: 'closed', act: 'ignore' },
    rights_lost: { to: 'closed', act: 'ignore' },
    expired: { to: 'closed', act: 'ignore' },
    feed_away: { to: 'closed', act: 'ignore' },
    flooded: { to: 'closed', act: 'ignore' },
    other: { to: 'closed', act: 'ignore' },
    phx_leave: { to: 'closed', act: 'ignore' },
    replaced: { to: 'closed', act: 'ignore' },
    interrupted: { to: 'closed', act: 'ignore' },
    socket_gone: { to: 'closed', act: 'ignore' },
  },
};
