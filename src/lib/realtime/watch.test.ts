import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { catalogue, GROUP_ID, snapshotOf } from '../../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../../tests/helpers/memoryBackend.ts';
import { catalogueQuery } from '../queries/catalogue.ts';
import { watchCatalogue } from './watch.ts';

let backend: MemoryBackend;
let stop: () => void;

beforeEach(() => {
  backend = installMemoryBackend();
});
afterEach(() => stop());

const held = () => backend.queryClient.getQueryData(catalogueQuery.queryKey)?.version;
const reads = (name: string) => backend.calls.filter((call) => call === name).length;
const publish = (version: string) => {
  backend.snapshot = snapshotOf('pro', [1, 0, 3, 0], 1, { catalogue: version });
  backend.answer('get_catalogue', () => ({ status: 200, body: { ...catalogue, version } }));
};

/** Opens the page and joins its topics, once the channels are there. */
async function open(): Promise<void> {
  stop = watchCatalogue(backend.queryClient, GROUP_ID);
  await vi.waitFor(() => expect(backend.realtime.channels).toHaveLength(2));
  backend.join();
}

test('the first load reads each once', async () => {
  await open();
  await vi.waitFor(() => expect(held()).toBe('catalogue-1'));
  await vi.waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  expect(backend.calls.toSorted()).toEqual(['get_catalogue', 'get_entitlements']);
});

test('a catalogue read before a publication and answered after the snapshot is read again', async () => {
  const old = Promise.withResolvers<{ status: number; body: unknown }>();
  backend.answer('get_catalogue', () => old.promise);
  backend.snapshot = snapshotOf('pro', [1, 0, 3, 0], 1, { catalogue: 'catalogue-2' });
  await open();
  await vi.waitFor(() => expect(backend.calls.toSorted()).toEqual(['get_catalogue', 'get_entitlements']));
  publish('catalogue-2');
  old.resolve({ status: 200, body: catalogue });
  await vi.waitFor(() => expect(held()).toBe('catalogue-2'));
});

test('a return of the line reads the catalogue when another is in force, and only then', async () => {
  await open();
  await vi.waitFor(() => expect(held()).toBe('catalogue-1'));
  backend.join();
  await vi.waitFor(() => expect(reads('get_entitlements')).toBe(2));
  publish('catalogue-2');
  backend.join();
  await vi.waitFor(() => expect(held()).toBe('catalogue-2'));
  expect([reads('get_entitlements'), reads('get_catalogue')]).toEqual([3, 2]);
});

test('a snapshot that is older than the catalogue costs one read, not a loop', async () => {
  publish('catalogue-2');
  backend.snapshot = snapshotOf('pro');
  await open();
  await vi.waitFor(() => expect(reads('get_catalogue')).toBe(2));
  await vi.waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  backend.join();
  await vi.waitFor(() => expect(reads('get_catalogue')).toBe(3));
  await vi.waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  expect(reads('get_entitlements')).toBe(2);
  expect(reads('get_catalogue')).toBe(3);
});

test('a catalogue that could not be read is asked for again with the next snapshot', async () => {
  backend.answer('get_catalogue', () => ({ status: 500, body: { message: 'Panne' } }));
  await open();
  await vi.waitFor(() => expect(backend.calls).toContain('get_entitlements'));
  await vi.waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  publish('catalogue-1');
  backend.join();
  await vi.waitFor(() => expect(held()).toBe('catalogue-1'));
});
