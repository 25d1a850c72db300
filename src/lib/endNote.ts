/** Why the session of this browser is over: written by the tab that ends it, read by the others and by the sign-in page. */
import type { EndReason } from './session.ts';

const NOTE_KEY = 'epilot.ended';
/** The others look within this time, milliseconds. */
const RECENT_MS = 10_000;
/** Kept for the tab, so that the sign-in page still says it after a reload. */
const SHOWN_KEY = 'epilot.refused';

const REASONS: readonly EndReason[] = ['expired', 'closed', 'disabled', 'archived', 'left'];
const asReason = (text: string | null | undefined): EndReason | null =>
  REASONS.find((reason) => reason === text) ?? null;

let shown: EndReason | null = readShown();

function readShown(): EndReason | null {
  try {
    return asReason(sessionStorage.getItem(SHOWN_KEY));
  } catch {
    // Storage may be forbidden: the reason is then known to this page only.
    return null;
  }
}

/** Tells every tab why the session ends; call it before the tokens are removed. */
export function noteEnd(reason: EndReason): void {
  try {
    localStorage.setItem(NOTE_KEY, `${reason} ${Date.now()}`);
  } catch {
    // Without storage there are no other tabs of this session.
  }
}

/** The reason that was noted just now, here or in another tab. */
export function notedEnd(): EndReason | null {
  try {
    const [reason, at] = (localStorage.getItem(NOTE_KEY) ?? '').split(' ');
    return Math.abs(Date.now() - Number(at)) < RECENT_MS ? asReason(reason) : null;
  } catch {
    return null;
  }
}

/** Has the sign-in page of this tab say why it is there; `null`: it says nothing. */
export function showEnd(reason: EndReason | null): void {
  shown = reason;
  try {
    if (reason) sessionStorage.setItem(SHOWN_KEY, reason);
    else sessionStorage.removeItem(SHOWN_KEY);
  } catch {
    // See readShown.
  }
}

/** Why this tab has no session any more, when that is worth a sentence. */
export const shownEnd = (): EndReason | null => shown;
