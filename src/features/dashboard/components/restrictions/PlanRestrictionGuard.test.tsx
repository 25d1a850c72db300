import { QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { planMessage, snapshotOf, usageMessage } from '../../../../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../../../../tests/helpers/memoryBackend.ts';
import { setLocale } from '../../../../i18n/i18n.ts';
import { connection } from '../../../../lib/realtime/connection.ts';
import { useRealtimePlanUpdates } from '../../hooks/useRealtimePlanUpdates.ts';
import { PlanRestrictionGuard } from './PlanRestrictionGuard.tsx';

let backend: MemoryBackend;
const onUpgradeClick = vi.fn<() => void>();

beforeEach(async () => {
  await setLocale('fr');
  onUpgradeClick.mockReset();
  backend = installMemoryBackend();
});

function Live() {
  useRealtimePlanUpdates();
  return (
    <PlanRestrictionGuard restrictionType="schools" onUpgradeClick={onUpgradeClick}>
      <input aria-label="Nom de l’école" />
      <button type="button">Créer une école</button>
    </PlanRestrictionGuard>
  );
}

function renderGuard() {
  const view = render(
    <QueryClientProvider client={backend.queryClient}>
      <Live />
    </QueryClientProvider>,
  );
  const guard = () => view.container.querySelector('[data-guard]')!;
  return {
    kind: () => guard().getAttribute('data-guard'),
    /** The children, as the guard lets them be reached. */
    content: () => guard().lastElementChild as HTMLElement,
  };
}

async function live() {
  const guard = renderGuard();
  await waitFor(() => expect(backend.realtime.channels).toHaveLength(2));
  act(() => backend.join());
  await waitFor(() => expect(guard.kind()).not.toBe('undecided'));
  await waitFor(() => expect(backend.queryClient.isFetching()).toBe(0));
  return guard;
}

/** The server speaks, and the screen has drawn it. */
const told = (speak: () => void) => act(() => Promise.resolve(speak()));

const isClosed = (content: HTMLElement) =>
  content.hasAttribute('inert') && content.getAttribute('aria-disabled') === 'true';

describe('what it shows', () => {
  test('under the threshold: the children, untouched', async () => {
    const guard = await live();
    expect(guard.kind()).toBe('open');
    expect(guard.content().hasAttribute('inert')).toBe(false);
    expect(guard.content().hasAttribute('aria-disabled')).toBe(false);
    expect(screen.queryByRole('meter')).toBeNull();
  });

  test('from 80 %: active children, what remains, a bar, the upgrade action', async () => {
    backend.snapshot = snapshotOf('pro', [8, 0, 3, 0]);
    const guard = await live();
    expect(guard.kind()).toBe('warning');
    expect(guard.content().hasAttribute('inert')).toBe(false);
    expect(screen.getByText('Attention – limite bientôt atteinte')).toBeDefined();
    expect(screen.getByText('Il vous reste 2 écoles.')).toBeDefined();
    expect(screen.getByText('Usage : 8/10')).toBeDefined();
    expect(screen.getByRole('meter').getAttribute('aria-valuenow')).toBe('80');
    await userEvent.click(screen.getByRole('button', { name: 'Augmenter ma limite' }));
    expect(onUpgradeClick).toHaveBeenCalledOnce();
  });

  test('at the limit: closed, with the numbers the database enforces and the way out', async () => {
    backend.snapshot = snapshotOf('pro', [10, 0, 3, 0]);
    const guard = await live();
    expect(guard.kind()).toBe('closed');
    expect(isClosed(guard.content())).toBe(true);
    expect(screen.getByText('Limite atteinte : 10 écoles')).toBeDefined();
    expect(screen.getByText('Actuellement : 10/10')).toBeDefined();
    expect(screen.getByText('Archivez une école, ou demandez un plan supérieur.')).toBeDefined();
    expect(screen.getByRole('meter').getAttribute('aria-valuenow')).toBe('100');
    await userEvent.click(screen.getByRole('button', { name: 'Mettre à niveau mon plan' }));
    expect(onUpgradeClick).toHaveBeenCalledOnce();
    const group = screen.getByRole('group', { name: 'Limite atteinte : 10 écoles' });
    expect(group).toBe(guard.content());
  });

  test('over the limit after a downgrade: closed, and it says so', async () => {
    backend.snapshot = snapshotOf('premium', [8, 0, 3, 0]);
    const guard = await live();
    expect(isClosed(guard.content())).toBe(true);
    expect(screen.getByText('Limite dépassée : 3 écoles')).toBeDefined();
    expect(screen.getByText('Actuellement : 8/3')).toBeDefined();
  });

  test('a lower threshold of its own, and a quantity that does not fit', async () => {
    backend.snapshot = snapshotOf('pro', [6, 0, 3, 0]);
    const view = (requested: number) => (
      <QueryClientProvider client={backend.queryClient}>
        <PlanRestrictionGuard restrictionType="schools" showWarningAt={50} requested={requested}>
          <button type="button">Importer</button>
        </PlanRestrictionGuard>
      </QueryClientProvider>
    );
    const { rerender, container } = render(view(4));
    await screen.findByText('Attention – limite bientôt atteinte');
    expect(screen.queryByRole('button', { name: 'Augmenter ma limite' })).toBeNull();
    rerender(view(5));
    expect(screen.getByText('Trop pour votre limite : 5 écoles')).toBeDefined();
    expect(container.querySelector('[inert]')).not.toBeNull();
  });
});

describe('I9: a guard that has not decided is closed and says so', () => {
  test('while the answer is on its way', () => {
    backend.answer('get_entitlements', () => new Promise<never>(() => undefined));
    const guard = renderGuard();
    expect(guard.kind()).toBe('undecided');
    expect(isClosed(guard.content())).toBe(true);
    expect(screen.getByText('Vérification…')).toBeDefined();
  });

  test('on an error, until a retry succeeds', async () => {
    backend.answer('get_entitlements', () => ({ status: 500, body: { code: 'XX000', message: 'boom' } }));
    const guard = renderGuard();
    expect(await screen.findByText('Vérification impossible')).toBeDefined();
    expect(isClosed(guard.content())).toBe(true);
    backend.answer('get_entitlements', () => ({ status: 200, body: backend.snapshot }));
    await userEvent.click(screen.getByRole('button', { name: 'Réessayer' }));
    await waitFor(() => expect(guard.kind()).toBe('open'));
  });

  test('offline without data', () => {
    backend.answer('get_entitlements', () => new Promise<never>(() => undefined));
    connection.networkIs(false);
    const guard = renderGuard();
    expect(isClosed(guard.content())).toBe(true);
    expect(screen.getByText('Hors ligne')).toBeDefined();
  });
});

describe('closing and opening by itself', () => {
  test('closes when the last place is taken, and opens when the plan rises, keeping what was typed', async () => {
    backend.snapshot = snapshotOf('premium', [2, 0, 3, 0]);
    const guard = await live();
    const field = screen.getByRole('textbox', { name: 'Nom de l’école' });
    await userEvent.type(field, 'École Saint-Exupéry');

    await told(() => backend.send('usage_changed', usageMessage(2, [3, 0, 3, 0])));
    expect(isClosed(guard.content())).toBe(true);
    await told(() => backend.send('plan_changed', planMessage('pro', 3, [3, 0, 3, 0])));

    expect(guard.kind()).toBe('open');
    const same = screen.getByRole('textbox', { name: 'Nom de l’école' });
    expect(same).toBe(field);
    expect(same).toHaveProperty('value', 'École Saint-Exupéry');
    expect(screen.getByText('Vous pouvez de nouveau continuer.')).toBeDefined();
  });

  test('takes the focus out of the closed field and gives it back when it opens', async () => {
    backend.snapshot = snapshotOf('premium', [2, 0, 3, 0]);
    await live();
    const field = screen.getByRole('textbox');
    field.focus();
    await told(() => backend.send('usage_changed', usageMessage(2, [3, 0, 3, 0])));
    expect(document.activeElement).toBe(document.body);
    await told(() => backend.send('plan_changed', planMessage('pro', 3, [3, 0, 3, 0])));
    expect(document.activeElement).toBe(field);
  });

  test('what closes it is announced: the text stands in a live region that was there before', async () => {
    backend.snapshot = snapshotOf('pro', [7, 0, 3, 0]);
    await live();
    const region = screen.getByRole('status');
    await told(() => backend.send('usage_changed', usageMessage(2, [10, 0, 3, 0])));
    expect(region.textContent).toContain('Limite atteinte : 10 écoles');
  });
});

test('the words follow the language', async () => {
  await setLocale('en');
  backend.snapshot = snapshotOf('pro', [10, 0, 3, 0]);
  await live();
  expect(screen.getByText('Limit reached: 10 schools')).toBeDefined();
  expect(screen.getByRole('button', { name: 'Upgrade my plan' })).toBeDefined();
});
