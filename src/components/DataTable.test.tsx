import { render, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { DataTable, type Column } from './DataTable.tsx';

interface Row {
  id: string;
  name: string;
}

const columns: Column<Row, 'name'>[] = [
  { key: 'name', header: 'École', rowHeader: true, sort: 'name', cell: (row) => row.name },
  { key: 'id', header: 'Code', cell: (row) => row.id },
];

function show(over: Partial<Parameters<typeof DataTable<Row, 'name'>>[0]> = {}) {
  return render(
    <DataTable
      caption="Écoles"
      columns={columns}
      rows={[{ id: 'a', name: 'Lamarelle' }]}
      rowKey={(row) => row.id}
      error={null}
      onRetry={() => undefined}
      empty={<p>Rien</p>}
      {...over}
    />,
  );
}

test('loading says so and shows no table', () => {
  show({ rows: undefined });
  expect(screen.getByRole('status').textContent).toContain('Chargement');
  expect(screen.queryByRole('table')).toBeNull();
});

test('an error without rows gives the reason and a way to try again', async () => {
  const retry = vi.fn<() => void>();
  show({ rows: undefined, error: 'Le serveur ne répond pas.', onRetry: retry });
  expect(screen.getByRole('alert').textContent).toContain('Le serveur ne répond pas.');
  await userEvent.click(screen.getByRole('button', { name: 'Réessayer' }));
  expect(retry).toHaveBeenCalledOnce();
});

test('an error while older rows are there leaves them', () => {
  show({ error: 'Le serveur ne répond pas.' });
  expect(screen.getByRole('rowheader', { name: 'Lamarelle' })).toBeDefined();
});

test('no rows shows the empty state', () => {
  show({ rows: [] });
  expect(screen.getByText('Rien')).toBeDefined();
});

test('rows are a table by name and role, and a sortable header says how it is sorted', async () => {
  const onSort = vi.fn<(by: 'name') => void>();
  show({ sorting: { by: 'name', descending: true, onSort } });
  const table = screen.getByRole('table', { name: 'Écoles' });
  const header = within(table).getByRole('columnheader', { name: 'École' });
  expect(header.getAttribute('aria-sort')).toBe('descending');
  await userEvent.click(within(header).getByRole('button'));
  expect(onSort).toHaveBeenCalledWith('name');
  expect(within(table).getByRole('columnheader', { name: 'Code' }).querySelector('button')).toBeNull();
});
