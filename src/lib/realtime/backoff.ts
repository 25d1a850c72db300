import type { Clock } from '../clock.ts';

/**
 * Delay before attempt `tries` (from 1), in milliseconds. The first twenty attempts stay under a second, so
 * that a screen is right within a second of the line's return; after that the server is truly away and the
 * delay doubles up to 15 s. Half of every delay is chance: ten thousand tabs must not knock together.
 */
export function reconnectDelay(tries: number, random: Clock['random']): number {
  const base = tries <= 1 ? 300 : tries <= 20 ? 800 : Math.min(800 * 2 ** (tries - 20), 15_000);
  return Math.round(base / 2 + (base / 2) * random());
}
