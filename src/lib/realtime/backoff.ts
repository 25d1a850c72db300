import type { Clock } from '../clock.ts';

const FIRST_MS = 300;
const PATIENT_MS = 600;
/** About twenty seconds of attempts, longer than a lift or a change of network takes. */
const PATIENT_TRIES = 40;
const LONGEST_MS = 15_000;

/**
 * Delay before attempt `tries` (from 1), in milliseconds. The first attempts stay well under a second, so that
 * a screen is right within a second of the line's return; after them the server is truly away and the delay
 * doubles up to 15 s. Half of every delay is chance: ten thousand tabs must not knock together.
 */
export function reconnectDelay(tries: number, random: Clock['random']): number {
  const grown = Math.min(PATIENT_MS * 2 ** Math.max(0, tries - PATIENT_TRIES), LONGEST_MS);
  const base = tries <= 1 ? FIRST_MS : grown;
  return Math.round(base / 2 + (base / 2) * random());
}
