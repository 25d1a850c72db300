/** What is said of first loads. */
import { type Result, short } from './report.ts';
import { median, summarise } from './statistics.ts';

const INTERACTIVE_MS = 3_000;
const PERFORMANCE = 95;

/** One load. Durations count from the navigation. */
export interface Load {
  /** Lighthouse's score, 0–100. */
  performance: number;
  firstPaintMs: number;
  /** Lighthouse's largest contentful paint. */
  mainContentMs: number;
  /**
   * The main content is painted, and five seconds without a long task and with at most two requests begin: Lighthouse's
   * time to interactive, never before its largest contentful paint.
   */
  interactiveMs: number;
  /** Time by which long tasks kept the page from answering. */
  blockedMs: number;
  layoutShift: number;
  /** Lighthouse's measure of this machine's speed at that time: four times as slow is four times as slow as this. */
  hostIndex: number;
  requests: number;
  /** Addresses of another origin that were asked: must be none. */
  foreign: string[];
  /** All scripts, gzip, as the server sends them. */
  scriptBytes: number;
}

export interface Loads {
  /** Loaded at full speed, from which Lighthouse computes the slow network and processor, as it does by default. */
  simulated: Load[];
  /** Once with the slow network and processor applied to the browser; each request then waits 560 ms. */
  applied: Load;
}

/**
 * The line of a page: judged by the median of its loads.
 *
 * @param budget largest size of its scripts, gzip, bytes
 */
export function judgeLoads(page: string, { simulated, applied }: Loads, budget = Infinity): Result {
  const middle = (pick: (load: Load) => number): number => median(simulated.map(pick));
  const bytes = middle(({ scriptBytes }) => scriptBytes);
  const interactive = middle(({ interactiveMs }) => interactiveMs);
  const performance = middle((load) => load.performance);
  const foreign = new Set([...simulated, applied].flatMap((load) => load.foreign));
  return {
    id: 'P13',
    what: `${page}, Slow 4G, CPU × 4`,
    target: `${budget < Infinity ? `≤ ${budget / 1024} KB, ` : ''}interactive ≤ ${INTERACTIVE_MS / 1000} s, performance ≥ ${PERFORMANCE}`,
    measured: `${(bytes / 1024).toFixed(1)} KB, ${short(interactive / 1000)} s, ${short(performance)}`,
    comparedWith: `throttling applied: ${short(applied.interactiveMs / 1000)} s, ${short(applied.performance)}`,
    met: bytes <= budget && interactive <= INTERACTIVE_MS && performance >= PERFORMANCE,
    broken: [...foreign].map((url) => `${page} asked another origin: ${url}`),
    figures: {
      script_gzip_bytes: bytes,
      requests: middle(({ requests }) => requests),
      performance: summarise(simulated.map((load) => load.performance)),
      first_paint_ms: summarise(simulated.map(({ firstPaintMs }) => firstPaintMs)),
      main_content_ms: summarise(simulated.map(({ mainContentMs }) => mainContentMs)),
      interactive_ms: summarise(simulated.map(({ interactiveMs }) => interactiveMs)),
      blocked_ms: summarise(simulated.map(({ blockedMs }) => blockedMs)),
      layout_shift: summarise(simulated.map(({ layoutShift }) => layoutShift)),
      host_index: summarise(simulated.map(({ hostIndex }) => hostIndex)),
      applied_performance: applied.performance,
      applied_first_paint_ms: applied.firstPaintMs,
      applied_main_content_ms: applied.mainContentMs,
      applied_interactive_ms: applied.interactiveMs,
      applied_blocked_ms: applied.blockedMs,
    },
    sizes: { runs: simulated.length },
  };
}
