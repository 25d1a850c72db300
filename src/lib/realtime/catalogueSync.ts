/** Keeps the catalogue current: the listener of the topic `catalogue`. */
import type { Clock } from '../clock.ts';
import type { TopicListener } from './registry.ts';

export interface CatalogueSync extends TopicListener {
  stop: () => void;
}

/** Spreads the catalogue reads of all the tabs that hear of one publication, or come back together. */
const JITTER_MS = 1_000;

/** @param refresh reads the catalogue anew */
export function createCatalogueSync(refresh: () => void, clock: Clock): CatalogueSync {
  let cancel: (() => void) | null = null;
  let joinedBefore = false;
  const refreshSoon = () => {
    cancel?.();
    cancel = clock.after(JITTER_MS * clock.random(), refresh);
  };
  return {
    onEvent: refreshSoon,
    onJoined: () => {
      if (joinedBefore) refreshSoon();
      joinedBefore = true;
    },
    stop: () => cancel?.(),
  };
}
