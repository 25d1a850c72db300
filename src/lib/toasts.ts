/**
 * Announcements. The library that shows them is no part of the first screen: it is loaded when the screen is at rest,
 * or at the first announcement, whichever comes first. What is announced before its host stands waits, in order.
 */
import type * as Sonner from 'sonner';

type ToastLibrary = typeof Sonner;
type Announcement = (library: ToastLibrary) => void;

const waiting: Announcement[] = [];
const watchers = new Set<() => void>();
let library: ToastLibrary | null = null;
let loading: Promise<void> | null = null;
let hosts = 0;

/** Loads the library, once. A load that fails is tried again at the next call; what waits goes on waiting. */
export function loadToasts(): Promise<void> {
  loading ??= import('sonner').then(
    (loaded) => {
      library = loaded;
      for (const notify of watchers) notify();
    },
    () => {
      loading = null;
    },
  );
  return loading;
}

/** The library, once it is loaded: what `useSyncExternalStore` reads beside `watchToasts`. */
export const toastLibrary = (): ToastLibrary | null => library;

export function watchToasts(onLoaded: () => void): () => void {
  watchers.add(onLoaded);
  return () => void watchers.delete(onLoaded);
}

/**
 * Says that the host of toasts is mounted: what waited is shown, in order.
 * @returns says that it is gone; what is announced from then on waits for the next.
 */
export function attachToastHost(loaded: ToastLibrary): () => void {
  hosts += 1;
  for (const show of waiting.splice(0)) show(loaded);
  return () => {
    hosts -= 1;
  };
}

function announce(show: Announcement): void {
  if (library && hosts > 0) {
    show(library);
    return;
  }
  waiting.push(show);
  void loadToasts();
}

/** Shows a toast; one with the `id` of another takes its place. */
export function toast(title: string, options?: Sonner.ExternalToast): void {
  announce((loaded) => loaded.toast(title, options));
}

toast.success = (title: string, options?: Sonner.ExternalToast): void =>
  announce((loaded) => loaded.toast.success(title, options));

toast.error = (title: string, options?: Sonner.ExternalToast): void =>
  announce((loaded) => loaded.toast.error(title, options));
