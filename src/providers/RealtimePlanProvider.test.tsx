import { QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { toast } from 'sonner';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planMessage, snapshotOf, usageMessage } from '../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../tests/helpers/memoryBackend.ts';
import { PlanRestrictionsCard } from '../features/dashboard/components/restrictions/PlanRestrictionsCard.tsx';
import { setLocale } from '../i18n/i18n.ts';
import { RealtimePlanProvider } from './RealtimePlanProvider.tsx';

let backend: MemoryBackend;

beforeEach(async () => {
  await setLocale('fr');
  backend = installMemoryBackend();
});

// Toasts outlive the tree that showed them.
afterEach(() => void toast.dismiss());

/** The app of the founding document, in Strict Mode. */
async function renderLive(meter = 'Écoles') {
  render(
    <StrictMode>
      <QueryClientProvider client={backend.queryClient}>
        <RealtimePlanProvider>
          <PlanRestrictionsCard />
        </RealtimePlanProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
  await waitFor(() => expect(backend.realtime.channels).toHaveLength(2));
  act(() => backend.join());
  await screen.findByRole('meter', { name: meter });
  await waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  backend.calls.length = 0;
}

const schools = () => screen.getByRole('meter', { name: 'Écoles' });

test('the owner’s scenario: Pro → Premium is on the screen and in a toast, without one request', async () => {
  await renderLive();
  act(() => backend.send('plan_changed', planMessage('premium', 2)));
  expect(schools().getAttribute('aria-valuetext')).toBe('1 sur 3');

  const title = await screen.findByText('Plan mis à jour vers Premium');
  expect(screen.getByText('− 27 modules, − 3 catégories')).toBeDefined();
  expect(
    screen.getByText('Écoles 10 → 3 · Élèves 2 000 → 500 · Personnel 50 → 20 · Stockage 50 Go → 10 Go'),
  ).toBeDefined();
  // Pushed changes are spoken: the toast stands in a live region.
  expect(title.closest('[aria-live="polite"]')).not.toBeNull();
  expect(backend.calls).toEqual([]);
});

test('Premium → Pro tells what was gained', async () => {
  backend.snapshot = snapshotOf('premium');
  await renderLive();
  act(() => backend.send('plan_changed', planMessage('pro', 2)));
  expect(await screen.findByText('Plan mis à jour vers Pro')).toBeDefined();
  expect(screen.getByText('+ 27 modules, + 3 catégories')).toBeDefined();
});

test('a change of usage moves the meter and announces nothing', async () => {
  await renderLive();
  act(() => backend.send('usage_changed', usageMessage(2, [9, 0, 3, 0])));
  expect(schools().getAttribute('aria-valuetext')).toBe('9 sur 10');
  expect(screen.queryByText(/mis à jour vers/)).toBeNull();
});

test('a change missed while the line was down is announced after the reconnect', async () => {
  await renderLive();
  act(() => backend.realtime.channels.forEach((channel) => channel.becomes('CHANNEL_ERROR')));
  backend.snapshot = snapshotOf('gratuit', [1, 0, 3, 0], 3);
  act(() => backend.join());
  expect(await screen.findByText('Plan mis à jour vers Gratuit')).toBeDefined();
  expect(schools().getAttribute('aria-valuetext')).toBe('1 sur 1');
});

test('the toast speaks the language of the screen', async () => {
  await setLocale('en');
  await renderLive('Schools');
  act(() => backend.send('plan_changed', planMessage('premium', 2)));
  expect(await screen.findByText('Plan updated to Premium')).toBeDefined();
  expect(screen.getByText('− 27 modules, − 3 categories')).toBeDefined();
});
