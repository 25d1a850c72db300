/**
 * The same connection URL, whose sessions begin with these settings besides those that it has.
 *
 * @param settings as PostgreSQL's `options` writes them: `-c role=postgres`
 */
export function withOptions(url: string, settings: string): string {
  const changed = new URL(url);
  const options = changed.searchParams.get('options') ?? '';
  changed.searchParams.set('options', `${options} ${settings}`.trim());
  return changed.href;
}
