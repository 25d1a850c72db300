/** Rows and delays as text. */

/** Median and longest of some delays, milliseconds. */
export function spread(delays: number[]): string {
  const sorted = delays.toSorted((a, b) => a - b);
  if (sorted.length === 0) return 'none';
  return `${sorted[Math.floor(sorted.length / 2)]} ms median, ${sorted.at(-1)} ms longest, of ${sorted.length}`;
}

/** Columns as wide as their widest cell; those of `numbers` are aligned to the right. */
export function table(rows: readonly string[][], numbers: readonly number[] = []): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          numbers.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
