/** What is said of a siege: what was broken, and what the attack cost honest clients. */
import { type Summary, summarise } from '../../bench/statistics.ts';
import type { SiegeReport } from './siege.ts';

const MEGABYTE = 1_000_000;
/** Target: p99 of an honest request under attack over its p99 in the quiet of the same run. */
export const MOST_RATIO = 5;
/** Memory that an attack may take in addition to what the server had in the quiet, bytes. */
export const MOST_MEMORY = 400 * MEGABYTE;
/** Growth of PostgreSQL's log in one siege, bytes. */
export const MOST_LOG = 32 * MEGABYTE;

/** What the server did that nothing makes up for, a sentence each; empty when it did all it must. */
export function brokenIn({ death, rss, logBytes, wrong }: SiegeReport): string[] {
  const megabytes = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`;
  const broken = [...wrong];
  if (death !== null) broken.unshift(death);
  if (rss.attacked - rss.quiet > MOST_MEMORY) {
    broken.push(
      `Memory grew from ${megabytes(rss.quiet)} to ${megabytes(rss.attacked)}, by more than ${megabytes(MOST_MEMORY)}.`,
    );
  }
  if (logBytes > MOST_LOG) {
    broken.push(`PostgreSQL's log grew by ${megabytes(logBytes)}, more than ${megabytes(MOST_LOG)}.`);
  }
  return broken;
}

export interface Cost {
  quiet: Summary;
  attacked: Summary;
  ratio: number;
  met: boolean;
}

/** What honest requests cost; `null` when none was answered in the quiet or under attack. */
export function costOf({ quiet, attacked }: SiegeReport): Cost | null {
  if (quiet.rest.length === 0 || attacked.rest.length === 0) return null;
  const [before, during] = [summarise(quiet.rest), summarise(attacked.rest)];
  const ratio = during.p99 / before.p99;
  return { quiet: before, attacked: during, ratio, met: ratio <= MOST_RATIO };
}
