/**
 * Keeps one group's snapshot equal to the server's: the listener of the topic `group:<id>`.
 *
 *            onJoined, gap, wake, poll                      answer
 *   current ──────────────────────────► catching up ──────────────────► current
 *   (messages are applied)              (messages are kept)  then the kept ones are applied
 *                                            │   ▲
 *                                            └───┘ no answer: again after a growing delay
 *
 * Invariant I5: a newer revision is never replaced by an older one (`newestSnapshot`), and every return of
 * the line leads to a fetch that began after it.
 */
import type { Catalogue } from '../../core/catalogue.ts';
import type { EntitlementSnapshot } from '../../core/entitlements.ts';
import { applyMessage } from '../../core/snapshot.ts';
import { isStateEvent, parseStateMessage, type StateMessage } from '../../core/stateMessage.ts';
import type { Clock } from '../clock.ts';
import { reconnectDelay } from './backoff.ts';
import type { TopicListener } from './registry.ts';

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
  /** Whether somebody looks: a hidden tab is not polled, it refetches when it is seen again. */
  isVisible: () => boolean;
}

export interface GroupSync extends TopicListener {
  stop: () => void;
}

/** Spreads the refetches of many tabs, yet keeps each within a second of its cause. */
const JITTER_MS = 300;
const POLL_MS = 60_000;
/** Enough for the longest catch-up; beyond it the oldest go, which is a gap, which refetches. */
const KEPT_MESSAGES = 200;

/** Starts keeping one group's snapshot; hand the result to the registry as listener. */
export function createGroupSync(ports: GroupSyncPorts, clock: Clock): GroupSync {
  let kept: StateMessage[] = [];
  let isCatchingUp = true;
  let running: AbortController | null = null;
  let failures = 0;
  let cancelRefetch: (() => void) | null = null;
  let cancelPoll = schedulePoll();

  function schedulePoll(): () => void {
    return clock.after(POLL_MS * (0.9 + 0.2 * clock.random()), () => {
      if (ports.isVisible()) void catchUp();
      cancelPoll = schedulePoll();
    });
  }

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
    const applied = applyMessage(snapshot, message, ports.readCatalogue());
    if (applied.kind === 'applied') {
      ports.writeSnapshot(applied.snapshot);
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
    onJoined: () => void catchUp(),
    onLost: () => {
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
      cancelPoll();
    },
  };
}
