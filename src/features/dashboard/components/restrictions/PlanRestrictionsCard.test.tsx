import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { GO, snapshotOf, vianney } from '../../../../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../../../../tests/helpers/memoryBackend.ts';
import { setLocale } from '../../../../i18n/i18n.ts';
import { PlanRestrictionsCard } from './PlanRestrictionsCard.tsx';

let backend: MemoryBackend;

beforeEach(async () => {
  await setLocale('fr');
  backend = installMemoryBackend();
});

function renderCard(onUpgradeClick?: () => void) {
  render(
    <QueryClientProvider client={backend.queryClient}>
      <PlanRestrictionsCard {...(onUpgradeClick && { onUpgradeClick })} />
    </QueryClientProvider>,
  );
}

test('four meters: used and limit, percentage, what remains, the state as a word', async () => {
  backend.snapshot = snapshotOf('pro', [8, 1702, 31, 50 * GO]);
  renderCard();
  const rows = await screen.findAllByRole('listitem');
  const text = rows.map((row) => row.textContent?.replace(/\s/g, ' '));
  expect(text).toEqual([
    'Écoles8 / 1080 %Bientôt atteinte2 restantes',
    'Élèves1 702 / 2 00085,1 %Bientôt atteinte298 restants',
    'Personnel31 / 5062 %Disponible19 restants',
    'Stockage50 Go / 50 Go100 %Limite atteinte0 Go restant',
  ]);
});

test('the group of the founding document', async () => {
  renderCard();
  expect((await screen.findByRole('meter', { name: 'Écoles' })).getAttribute('aria-valuetext')).toBe(
    '1 sur 10',
  );
  const region = screen.getByRole('region', { name: 'Limites du plan' });
  expect(within(region).getByText('9 restantes')).toBeDefined();
  expect(within(region).getByText('à jour il y a 0 s')).toBeDefined();
});

test('over a limit it says by how much; the bar stays within its track', async () => {
  backend.snapshot = snapshotOf('premium', [8, 0, 3, 0]);
  renderCard();
  expect(await screen.findByText('5 écoles au-delà de la limite')).toBeDefined();
  expect(screen.getByText('Limite dépassée')).toBeDefined();
  expect(screen.getByRole('meter', { name: 'Écoles' }).getAttribute('aria-valuenow')).toBe('100');
});

test('the upgrade action is there when it leads somewhere', async () => {
  const onUpgradeClick = vi.fn<() => void>();
  renderCard(onUpgradeClick);
  await userEvent.click(screen.getByRole('button', { name: 'Faire évoluer mon plan' }));
  expect(onUpgradeClick).toHaveBeenCalledOnce();
});

test('loading says so and shows no number', () => {
  backend.answer('get_entitlements', () => new Promise<never>(() => undefined));
  renderCard();
  expect(screen.getByText('Chargement des limites…')).toBeDefined();
  expect(screen.queryByRole('meter')).toBeNull();
});

test('an error is an error, never zero, and can be tried again', async () => {
  backend.answer('get_entitlements', () => ({
    status: 403,
    body: { code: 'PT403', message: 'Interdit.', details: '{"code":"forbidden"}' },
  }));
  renderCard();
  expect(await screen.findByText('Vous n’avez pas le droit de faire cela.')).toBeDefined();
  expect(screen.queryByRole('meter')).toBeNull();
  backend.answer('get_entitlements', () => ({ status: 200, body: backend.snapshot }));
  await userEvent.click(screen.getByRole('button', { name: 'Réessayer' }));
  expect(await screen.findByRole('meter', { name: 'Écoles' })).toBeDefined();
});

test('an account without a group is told so', () => {
  backend = installMemoryBackend({ ...vianney, school_group_id: null });
  renderCard();
  expect(screen.getByText('Votre compte n’est rattaché à aucun groupe scolaire.')).toBeDefined();
});
