import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { useI18n } from '../i18n/i18n.ts';
import { ErrorState } from './ErrorState.tsx';
import { cn } from './ui/cn.ts';
import { Skeleton } from './ui/skeleton.tsx';

export interface Column<Row, Sort extends string = string> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Column name to sort by; without it the header is plain text. */
  sort?: Sort;
  align?: 'right';
  /** The heading of the row: read first by a screen reader, written first and without label on a phone. */
  rowHeader?: boolean;
  /** Holds buttons: no visible header. */
  actions?: boolean;
  /** Said elsewhere too: left out where a table has to be narrow. */
  minor?: boolean;
}

interface DataTableProps<Row, Sort extends string> {
  /** Names the table for assistive technology. */
  caption: string;
  columns: ReadonlyArray<Column<Row, Sort>>;
  /** `undefined` while loading. */
  rows: ReadonlyArray<Row> | undefined;
  rowKey: (row: Row) => string;
  /** A sentence when the rows could not be had; shown instead of older rows only when there are none. */
  error: string | null;
  onRetry: () => void;
  /** Shown when there are no rows at all. */
  empty: ReactNode;
  sorting?: { by: Sort; descending: boolean; onSort: (by: Sort) => void };
  /** Newer rows are on their way: the present ones are dimmed, not removed. */
  refreshing?: boolean;
}

const SKELETON_ROWS = 6;
const MINOR = 'md:max-xl:hidden';

/**
 * A table with its loading, error, empty and full states. On a phone each row becomes a card whose cells
 * carry their header; the explicit roles keep it a table for assistive technology whatever the layout.
 */
export function DataTable<Row, Sort extends string = string>({
  caption,
  columns,
  rows,
  rowKey,
  error,
  onRetry,
  empty,
  sorting,
  refreshing = false,
}: DataTableProps<Row, Sort>) {
  const { t } = useI18n();
  if (error && !rows) return <ErrorState message={error} onRetry={onRetry} />;
  if (!rows) return <TableSkeleton label={t.app.loading} />;
  if (rows.length === 0) return <>{empty}</>;
  return (
    <table
      role="table"
      aria-label={caption}
      aria-busy={refreshing}
      className={cn('w-full border-collapse transition-opacity max-md:block', refreshing && 'opacity-60')}
    >
      <thead role="rowgroup" className="max-md:sr-only">
        <tr role="row">
          {columns.map((column) => (
            <HeaderCell key={column.key} column={column} sorting={sorting} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" className="max-md:block">
        {rows.map((row) => (
          <tr
            role="row"
            key={rowKey(row)}
            className="border-line not-last:border-b max-md:grid max-md:gap-1.5 max-md:px-4 max-md:py-3"
          >
            {columns.map((column) => (
              <BodyCell key={column.key} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function HeaderCell<Row, Sort extends string>({
  column,
  sorting,
}: {
  column: Column<Row, Sort>;
  sorting: DataTableProps<Row, Sort>['sorting'];
}) {
  const active = sorting && column.sort === sorting.by;
  const direction = sorting?.descending ? 'descending' : 'ascending';
  const Arrow = active ? (sorting.descending ? ArrowDown : ArrowUp) : ChevronsUpDown;
  return (
    <th
      role="columnheader"
      scope="col"
      {...(active && { 'aria-sort': direction })}
      className={cn(
        'border-b border-line px-3 py-2 text-xs font-semibold whitespace-nowrap text-muted first:pl-4 last:pr-4',
        column.align === 'right' ? 'text-right' : 'text-left',
        column.minor && MINOR,
      )}
    >
      {sorting && column.sort ? (
        <button
          type="button"
          onClick={() => column.sort && sorting.onSort(column.sort)}
          className="-mx-1.5 inline-flex min-h-6 items-center gap-1 rounded px-1.5 hover:text-ink"
        >
          {column.header}
          <Arrow aria-hidden className={cn('size-3.5', !active && 'opacity-50')} />
        </button>
      ) : (
        <span className={column.actions ? 'sr-only' : undefined}>{column.header}</span>
      )}
    </th>
  );
}

function BodyCell<Row, Sort extends string>({ column, row }: { column: Column<Row, Sort>; row: Row }) {
  const className = cn(
    'px-3 py-2.5 align-middle tabular first:pl-4 last:pr-4 max-md:p-0!',
    column.align === 'right' && 'md:text-right',
    column.minor && MINOR,
    !column.rowHeader &&
      !column.actions &&
      'max-md:flex max-md:items-center max-md:justify-between max-md:gap-4 max-md:before:text-[0.8125rem] max-md:before:text-muted max-md:before:content-[attr(data-label)]',
  );
  return column.rowHeader ? (
    <th role="rowheader" scope="row" className={cn(className, 'text-left font-normal')}>
      {column.cell(row)}
    </th>
  ) : (
    <td role="cell" data-label={column.header} className={className}>
      {column.cell(row)}
    </td>
  );
}

function TableSkeleton({ label }: { label: string }) {
  return (
    <div role="status" className="grid gap-4 p-4">
      <span className="sr-only">{label}</span>
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div key={index} className="flex items-center gap-4">
          <Skeleton className="h-4 w-1/3" />
          <Skeleton className="h-4 w-1/5" />
          <Skeleton className="ml-auto h-4 w-1/6" />
        </div>
      ))}
    </div>
  );
}
