/**
 * Keeps one group's snapshot equal to the server's: the listener of the topic `group:<id>`.
 *
 *            onJoined, gap, wake, reread                    answer
 *   current ──────────────────────────► catching up ──────────────────► current
 *   (messages are applied)              (messages are kept)  then the kept ones are applied
 *                                            │   ▲
 *                                            └───┘ no answer: again after a growing delay
 *
 * Invariant I5: a newer state is never replaced by an older one (`newestSnapshot`), and every return of
 * the line leads to a fetch that began after it.
 */
import type { Catalogue } from '../../core/catalogue.ts';
import type { EntitlementSnapshot } from '../../core/entitlements.ts';
import { applyToSnapshot } from '../../core/group-state.ts';
import { isStateEvent, parseStateMessage, type StateMessage } from '../../core/messages.ts';
import type { Clock } from '../clock.ts';
import { reconnectDelay } from './backoff.ts';
import type { TopicListener } from './registry.ts';
import { createRereads } from './rereads.ts';

export interface GroupSyncPorts {
  /** Reads the snapshot from the server, and then the catalogue that it names, where another is held. */
  fetchSnapshot: (signal: AbortSignal) => Promise<EntitlementSnapshot>;
  readSnapshot: () => EntitlementSnapshot | undefined;
  /** Stores a snapshot unless a newer one is held. */
  writeSnapshot: (snapshot: EntitlementSnapshot) => void;
  readCatalogue: () => Catalogue | undefined;
  /** What is held equals the server's state, as of now. */
  onConfirmed: () => void;
  onFetchFailed: (error: unknown) => void;
  /** Whether somebody looks: a hidden tab does not read again by itself, it does when it is seen again. */
  isVisible: () => boolean;
}

export interface GroupSync extends TopicListener {
  stop: () => void;
}

/** Spreads the refetches of many tabs, yet keeps each within a second of its cause. */
const JITTER_MS = 300;
/** Enough for the longest catch-up; beyond it the oldest go, which is a gap, which refetches. */
const KEPT_MESSAGES = 200;

/** Starts keeping one group's snapshot; hand the result to the registry as listener. */
export function createGroupSync(ports: GroupSyncPorts, clock: Clock): GroupSync {
  let kept: StateMessage[] = [];
  let isCatchingUp = true;
  let running: AbortController | null = null;
  let failures = 0;
  let cancelRefetch: (() => void) | null = null;
  const rereads = createRereads(() => void catchUp(), ports.isVisible, clock);

  function catchUpIn(ms: number): void {
    isCatchingUp = true;
    if (cancelRefetch) return;
    cancelRefetch = clock.after(ms, () => void catchUp());
  }

  const catchUpSoon = () => catchUpIn(JITTER_MS * clock.random());

  /** Fetches anew; a fetch under way is given up, for it may have begun before what is asked for now. */
  async function catchUp(): Promise<void> {
    cancelRefetch?.();
    cancelRefetch = null;
    isCatchingUp = true;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const outcome = await ports.fetchSnapshot(mine.signal).then(
      (snapshot) => ({ snapshot }),
      (error: unknown) => ({ error }),
    );
    if (running !== mine) return;
    running = null;
    if ('error' in outcome) {
      ports.onFetchFailed(outcome.error);
      failures += 1;
      catchUpIn(reconnectDelay(failures, clock.random));
      return;
    }
    failures = 0;
    ports.writeSnapshot(outcome.snapshot);
    rereads.answered(Date.parse(outcome.snapshot.as_of), outcome.snapshot.next_at);
    becomeCurrent();
  }

  function becomeCurrent(): void {
    isCatchingUp = false;
    ports.onConfirmed();
    const messages = kept;
    kept = [];
    for (const message of messages) receive(message);
  }

  function keep(message: StateMessage): void {
    kept.push(message);
    if (kept.length > KEPT_MESSAGES) kept.shift();
  }

  function receive(message: StateMessage): void {
    const snapshot = ports.readSnapshot();
    if (isCatchingUp || !snapshot) {
      keep(message);
      if (!isCatchingUp) catchUpSoon();
      return;
    }
    const applied = applyToSnapshot(snapshot, message, ports.readCatalogue());
    if (applied.kind === 'applied') {
      ports.writeSnapshot(applied.shown);
      rereads.expect(applied.shown.next_at);
      if (applied.unsure) catchUpSoon();
      else ports.onConfirmed();
    } else if (applied.kind === 'refetch') {
      keep(message);
      catchUpSoon();
    }
  }

  return {
    onEvent: (event, payload) => {
      if (!isStateEvent(event)) return;
      const message = parseStateMessage(event, payload);
      if (message) receive(message);
      else catchUpSoon();
    },
    onJoined: () => {
      rereads.lineIs(true);
      void catchUp();
    },
    onLost: () => {
      rereads.lineIs(false);
      isCatchingUp = true;
    },
    onHeartbeat: () => {
      if (!isCatchingUp) ports.onConfirmed();
    },
    onWake: () => {
      // Do not wait for the end of a delay that the sleep or the dead network had grown.
      cancelRefetch?.();
      cancelRefetch = null;
      failures = 0;
      catchUpSoon();
    },
    stop: () => {
      running?.abort();
      running = null;
      cancelRefetch?.();
      rereads.stop();
    },
  };
}
