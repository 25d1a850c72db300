/**
 * When a screen reads again by itself: at the instant at which time alone changes what it shows, and at
 * intervals as a net for what nothing else catches. A hidden tab does neither; it reads when it is seen again.
 */
import type { Clock } from '../clock.ts';

/** While the line is joined, messages carry every change: 15 ± 5 minutes. */
const JOINED_MS = { least: 600_000, spread: 600_000 };
/** Without a line this is the only way by which a change arrives, and a guard trusts nothing older than two minutes. */
const LOST_MS = { least: 54_000, spread: 12_000 };
/** Spreads what many tabs read at one instant, the end of a month for example. */
const AT_JITTER_MS = 1_000;

export interface Rereads {
  /** The line is joined, or is not. */
  lineIs: (joined: boolean) => void;
  /**
   * The server answered a read.
   * @param serverNow the server's clock when it did, Unix milliseconds: a browser's clock may be wrong
   * @param nextAt as for `expect`
   */
  answered: (serverNow: number, nextAt: number | null) => void;
  /** What is shown changes at this instant by time alone (Unix milliseconds by the server's clock), or at none. */
  expect: (nextAt: number | null) => void;
  stop: () => void;
}

/** Calls `read` when a visible screen is to be read again. */
export function createRereads(read: () => void, isVisible: () => boolean, clock: Clock): Rereads {
  let isJoined = false;
  let serverAheadMs = 0;
  let expected: number | null = null;
  let cancelExpected: (() => void) | null = null;
  let cancelNet = castNet();

  const readIfSeen = () => {
    if (isVisible()) read();
  };

  function castNet(): () => void {
    const { least, spread } = isJoined ? JOINED_MS : LOST_MS;
    return clock.after(least + spread * clock.random(), () => {
      cancelNet = castNet();
      readIfSeen();
    });
  }

  function expectAt(nextAt: number | null): void {
    // What was asked for at this instant already is not asked for again by a message that names it once more.
    if (nextAt === expected) return;
    cancelExpected?.();
    cancelExpected = null;
    expected = nextAt;
    if (nextAt === null) return;
    const leftMs = Math.max(0, nextAt - (clock.now() + serverAheadMs));
    cancelExpected = clock.after(leftMs + AT_JITTER_MS * clock.random(), () => {
      cancelExpected = null;
      readIfSeen();
    });
  }

  return {
    lineIs: (joined) => {
      if (joined === isJoined) return;
      isJoined = joined;
      cancelNet();
      cancelNet = castNet();
    },
    answered: (serverNow, nextAt) => {
      serverAheadMs = serverNow - clock.now();
      // Still to come although its time was up here: the clocks drifted apart while the timer ran.
      if (!cancelExpected) expected = null;
      expectAt(nextAt);
    },
    expect: expectAt,
    stop: () => {
      cancelNet();
      cancelExpected?.();
    },
  };
}
