import type { Accounts } from './accounts.ts';
import type { AskFor } from './asking.ts';
import type { Authorizer } from './authorization.ts';
import type { Changes } from './changes/changes.ts';
import type { Hub } from './hub.ts';
import type { Metrics } from './metrics.ts';
import type { Limits, Logger } from './options.ts';
import type { Presence } from './presence.ts';
import type { Resumption } from './resumption.ts';
import type { Sessions } from './sessions.ts';
import type { Settling } from './settling.ts';
import type { Strangers } from './strangers.ts';
import type { Turns } from './turns.ts';

/** What all connections of a gateway share. */
export interface Context {
  hub: Hub;
  presence: Presence;
  authorizer: Authorizer;
  askFor: AskFor;
  /** Whether public channels and joins of `anon` are served. */
  publicChannels: boolean;
  strangers: Strangers;
  accounts: Accounts;
  settling: Settling;
  resumption: Resumption;
  changes: Changes;
  /** Waits for the database feed; false when it does not stream in time. */
  feedReady: () => Promise<boolean>;
  /** Waits until every message that was delivered is stored; throws when that takes too long. */
  stored: () => Promise<void>;
  sessions: Sessions;
  turns: Turns;
  limits: Limits;
  metrics: Metrics;
  log: Logger;
  /** Clock, milliseconds since 1970. */
  now: () => number;
}
