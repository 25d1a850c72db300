import * as sonner from 'sonner';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => void vi.resetModules());

afterEach(() => void sonner.toast.dismiss());

const titles = () => sonner.toast.getToasts().map((shown) => ('title' in shown ? shown.title : shown));

test('what is announced before the host stands waits for it, in order; one id, one toast', async () => {
  const { attachToastHost, loadToasts, toast, toastLibrary } = await import('./toasts.ts');
  toast('first', { id: 'a' });
  toast.success('second');
  toast.error('third');
  toast('first, again', { id: 'a' });
  await loadToasts();
  const library = toastLibrary();
  if (!library) throw new Error('the library is not loaded');
  expect(titles()).toEqual([]);

  const detach = attachToastHost(library);
  expect(titles()).toEqual(['first, again', 'second', 'third']);

  detach();
  toast('fourth');
  expect(titles()).not.toContain('fourth');
  attachToastHost(library);
  expect(titles()).toContain('fourth');
});

test('a load that failed is tried again at the next announcement, and loses none', async () => {
  const { attachToastHost, loadToasts, toast, toastLibrary } = await import('./toasts.ts');
  vi.doMock('sonner', () => {
    throw new Error('Failed to fetch dynamically imported module');
  });
  toast('over a broken line');
  await loadToasts();
  expect(toastLibrary()).toBeNull();

  vi.doUnmock('sonner');
  toast('over a mended line');
  await loadToasts();
  const library = toastLibrary();
  if (!library) throw new Error('the library is not loaded');
  attachToastHost(library);
  expect(titles()).toEqual(['over a broken line', 'over a mended line']);
});
