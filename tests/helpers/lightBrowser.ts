/**
 * A page beside a server in one process: happy-dom's document and window, with Node's own `fetch`, `WebSocket`,
 * `crypto` and streams left in place, which the server needs and the client takes as well. Import it first.
 */
import { Window } from 'happy-dom';

const page = new Window();

const names = [
  'document',
  'location',
  'localStorage',
  'navigator',
  'Element',
  'HTMLElement',
  'HTMLIFrameElement',
  'Node',
  'MutationObserver',
  'getComputedStyle',
  'matchMedia',
  'requestAnimationFrame',
  'cancelAnimationFrame',
] as const;

Object.defineProperty(globalThis, 'window', { value: page, configurable: true });
for (const name of names) {
  const value: unknown = page[name];
  Object.defineProperty(globalThis, name, {
    value: typeof value === 'function' && !/^[A-Z]/.test(name) ? value.bind(page) : value,
    configurable: true,
    writable: true,
  });
}

/** Opens an address, so that relative ones are resolved against it. */
export function openPage(url: string): void {
  page.happyDOM.setURL(url);
}
