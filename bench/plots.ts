/** The plots of docs/PERFORMANCE.md: how cost grows, ours beside what it is compared with. */
import { type Line, type Plot, renderPlot } from './plot-svg.ts';
import { type Point, short } from './report.ts';
import type { Results, Run, StoredResult } from './results.ts';

/** What is to be found in the results. */
interface PlotSource {
  id: string;
  part: string;
  title: string;
  subtitle: string;
  sizes: string;
  format: Plot['format'];
  /** Lines with the name of their series; without one, a line of a target or of somebody's word. */
  lines: ReadonlyArray<Omit<Line, 'points'> & { series?: string; value?: (size: number) => number }>;
}

const PLOTS: Record<string, PlotSource> = {
  'check-cost': {
    id: 'P4',
    part: 'check',
    title: 'Asking what a group may still add',
    subtitle: 'All four restrictions of a group in one call, inside PostgreSQL, median',
    sizes: 'students in the group',
    format: (ms) => duration(ms * 1000),
    lines: [
      { label: 'counting rows', tone: 'costly', series: 'recount_ms' },
      { label: 'target (of the p99)', tone: 'reference', value: () => 1 },
      { label: 'E-Pilot', tone: 'ours', series: 'ours_ms' },
    ],
  },
  'enforcement-cost': {
    id: 'P2',
    part: 'enforcement',
    title: 'Inserting one student',
    subtitle: 'One writer, one insert a transaction, commit included, median',
    sizes: 'students in the group',
    format: duration,
    lines: [
      { label: 'trigger with count(*)', tone: 'costly', series: 'classic_insert_us' },
      { label: 'E-Pilot', tone: 'ours', series: 'enforced_insert_us' },
      { label: 'no limit enforced', tone: 'plain', series: 'unenforced_insert_us' },
    ],
  },
  'fan-out': {
    id: 'P7',
    part: 'fanout',
    title: 'One message to every socket of a topic',
    subtitle: 'From publishing until the last socket has it, median',
    sizes: 'sockets in one topic',
    format: (ms) => duration(ms * 1000),
    lines: [
      { label: 'E-Pilot', tone: 'ours', series: 'gateway_last_ms' },
      { label: 'bare ws loop', tone: 'plain', series: 'bare_last_ms' },
    ],
  },
  memory: {
    id: 'P11',
    part: 'fanout',
    title: 'Memory of open connections',
    subtitle: 'Resident memory of the server less that of an idle one, all joined to a private topic',
    sizes: 'connections',
    format: (mb) => `${short(mb)} MB`,
    lines: [
      {
        label: 'Supabase, as published',
        tone: 'reference',
        value: (size) => (size * 160) / 1024,
      },
      { label: 'target', tone: 'reference', value: (size) => (size * 20) / 1024 },
      { label: 'E-Pilot', tone: 'ours', series: 'gateway_rss_mb' },
      { label: 'bare ws', tone: 'plain', series: 'bare_rss_mb' },
    ],
  },
};

/** Microseconds in the unit in which they are short. */
function duration(us: number): string {
  if (us < 1_000) return `${short(us)} µs`;
  return us < 1_000_000 ? `${short(us / 1_000)} ms` : `${short(us / 1_000_000)} s`;
}

/**
 * Every plot as SVG, by the name of its file without ending. One whose series are not in the results is left out.
 */
export function drawPlots({ results, runs }: Results): Record<string, string> {
  const drawn: Record<string, string> = {};
  for (const [name, source] of Object.entries(PLOTS)) {
    const result = results.find(({ id, part }) => id === source.id && part === source.part);
    const run = result && runs[result.run];
    const lines = result && linesOf(source, result);
    if (run && lines) drawn[name] = renderPlot({ ...source, lines, caption: captionOf(result, run) });
  }
  return drawn;
}

/** Names of the files of all plots, without ending. */
export const PLOT_NAMES: readonly string[] = Object.keys(PLOTS);

function linesOf(source: PlotSource, { series = {} }: StoredResult): Line[] | undefined {
  const sizes = Object.values(series)[0]?.map(({ size }) => size);
  const lines = source.lines.map(({ label, tone, series: name, value }) => {
    const points: Point[] | undefined = name
      ? series[name]
      : sizes?.map((size) => ({ size, value: value?.(size) ?? 0 }));
    return points && { label, tone, points };
  });
  return lines.every((line) => line !== undefined) ? lines : undefined;
}

/** When and on what: the machine by its class. What was broken says so first. */
function captionOf({ run: at, verdict }: StoredResult, { machine, versions }: Run): string {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(at));
  const broken = verdict === 'BROKEN' ? 'BROKEN. ' : '';
  return `${broken}${day}, ${machine.cores} cores (${machine.cpu}), PostgreSQL ${versions['postgresql']}, Node ${versions['node']}`;
}
