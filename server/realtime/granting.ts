/** Who joins a channel with a token, and what that bearer may read there. */
import { isSignedIn } from './accounts.ts';
import type { Ask } from './asking.ts';
import type { ReadRights } from './authorization.ts';
import type { Connection } from './connection.ts';
import type { ChannelEvent } from './channel-states.ts';
import { asRealtimeError, RealtimeError } from './errors.ts';
import type { StreamName } from './hub.ts';
import type { Grant } from './resumption.ts';
import type { Session } from './sessions.ts';

export const NO_RIGHTS: ReadRights = { broadcast: false, presence: false };

/**
 * Verifies a token, after which the socket is its bearer's, and asks for the bearer's rights.
 *
 * @param kept what a channel of this token could do until its line broke a moment ago: it is not asked about again
 * @param ask puts questions in the bearer's turn
 * @throws RealtimeError for a token that is not valid, a bearer without rights, a database that did not answer
 */
export async function grant(
  connection: Connection,
  stream: StreamName,
  token: string,
  kept: Grant | null,
  ask: (session: Session) => Ask,
): Promise<Grant> {
  const session = await connection.sessionOf(token);
  if (kept) return { session, rights: kept.rights };
  if (!stream.private) return { session, rights: { broadcast: true, presence: true } };
  const { authorizer, publicChannels } = connection.context;
  // Nobody's own key: the database need not be asked.
  const isNobody = !publicChannels && !isSignedIn(session);
  const rights = isNobody
    ? NO_RIGHTS
    : await authorizer.canRead(ask(session), { session, headers: connection.headers }, stream.topic);
  if (rights.broadcast || rights.presence) return { session, rights };
  throw new RealtimeError(
    'Unauthorized',
    `You do not have permissions to read from this Channel topic: ${stream.topic}`,
  );
}

/** What follows for a channel that had rights, when they were asked for again. */
export function judgeGrant(
  had: ReadRights,
  granted: Grant,
  topic: string,
): ChannelEvent<'rights_kept' | 'rights_lost'> {
  const { rights } = granted;
  const lost = (had.broadcast && !rights.broadcast) || (had.presence && !rights.presence);
  if (!lost) return { type: 'rights_kept', ...granted };
  const message = `You no longer have permission to read from this Channel topic: ${topic}`;
  return { type: 'rights_lost', message };
}

/** The same, when there was no answer, or the token is no longer valid. */
export function judgeFailure(error: unknown): ChannelEvent<'rights_lost' | 'interrupted'> {
  const { code, message } = asRealtimeError(error);
  return code === 'UnableToSetPolicies' ? { type: 'interrupted' } : { type: 'rights_lost', message };
}
