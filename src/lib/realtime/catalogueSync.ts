/**
 * Keeps the catalogue current: the listener of the topic `catalogue`. Each snapshot of a group names the catalogue in
 * force, so for a member the snapshot that every return of the line asks for tells whether a publication was missed.
 */
import type { Clock } from '../clock.ts';
import type { TopicListener } from './registry.ts';

export interface CatalogueSync extends TopicListener {
  /** A snapshot is being asked for, and again until it is answered: it will tell what was about to be read. */
  onSnapshotAsked: () => void;
  stop: () => void;
}

/** Spreads the catalogue reads of all the tabs that hear of one publication, or come back together. */
const JITTER_MS = 1_000;
/** How long a topic joined again waits for a snapshot to be asked for, before the catalogue is read instead. */
const PATIENCE_MS = 2_000;

/** @param refresh reads the catalogue anew */
export function createCatalogueSync(refresh: () => void, clock: Clock): CatalogueSync {
  let cancel: (() => void) | null = null;
  let joinedBefore = false;
  const refreshAfter = (ms: number) => {
    cancel?.();
    cancel = clock.after(ms + JITTER_MS * clock.random(), refresh);
  };
  return {
    onEvent: () => refreshAfter(0),
    onJoined: () => {
      if (joinedBefore) refreshAfter(PATIENCE_MS);
      joinedBefore = true;
    },
    onSnapshotAsked: () => cancel?.(),
    stop: () => cancel?.(),
  };
}
