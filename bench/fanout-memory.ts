/** P11: what a socket costs the gateway in memory, and whether it gives that back. */
import type { Memory } from './fanout-process.ts';
import type { FanoutServer } from './fanout-server.ts';
import { type Point, type Result, short } from './report.ts';

const TARGET_KB = 20;
/** What is more than this, in all and for each socket that left, is no noise of caches and collector, bytes. */
const NOISE = { all: 4 * 1024 ** 2, socket: 1024 };
/** The same of resident memory: allocators keep pages, and V8 takes some in advance. */
const RESIDENT_NOISE = { all: 32 * 1024 ** 2, socket: 4 * 1024 };
/** How long a server may take to notice that sockets are gone and to let go of them, milliseconds. */
const RELEASE_MS = 20_000;
const POLL_MS = 200;
/** What falls by less than this between two looks has come to rest, bytes. */
const REST = 256 * 1024;

/** Memory of the two servers, in the order in which it was measured. */
export interface MemoryMeasurements {
  /** With no sockets but those that stay to the end. */
  empty: Record<'gateway' | 'bare', Memory>;
  /** With so many sockets more. */
  full: Array<{ size: number } & Record<'gateway' | 'bare', Memory>>;
  /** Of the gateway, after all of these had left. */
  left: Memory;
  /** Of the gateway, each time after so many others had come and left. */
  visits: { sockets: number; after: Memory[] };
  joinsPerSecond: number;
}

/** Waits until a server has noticed that all but so many sockets are gone, and let go of them; what it uses then. */
export async function memoryWithout(server: FanoutServer, sockets: number): Promise<Memory> {
  let memory = await server.memory();
  for (let waited = 0; waited < RELEASE_MS; waited += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const before = memory;
    memory = await server.memory();
    if (memory.sockets <= sockets && heldBy(before) - heldBy(memory) < REST) break;
  }
  return memory;
}

/**
 * What a server kept that it should have given back. What V8 and buffers hold must come back at once. What the operating
 * system counts does not, for allocators keep pages; but it must not grow while the same number comes and leaves.
 */
export function findKeptMemory({ empty, full, left, visits }: MemoryMeasurements): string[] {
  const sockets = full.at(-1)?.size ?? 0;
  const open = left.sockets - empty.gateway.sockets;
  const kept = heldBy(left) - heldBy(empty.gateway);
  const [first = left, ...more] = visits.after;
  const last = more.at(-1) ?? first;
  const visitors = more.length * visits.sockets;
  const grown = heldBy(last) - heldBy(first);
  const residentGrown = last.rss - first.rss;
  const kbFor = (bytes: number, count: number): string => `${short(bytes / 1024 / count)} KB`;
  const isMore = (bytes: number, count: number, noise = NOISE): boolean =>
    bytes > noise.all + count * noise.socket;
  const inAndOut = 'for each socket that comes and leaves, time after time.';
  return [
    ...(open > 0 ? [`${open} of ${sockets} sockets that left are still open.`] : []),
    ...(isMore(kept, sockets)
      ? [`It keeps ${kbFor(kept, sockets)} for each of ${sockets} sockets that left.`]
      : []),
    ...(isMore(grown, visitors) ? [`It grows by ${kbFor(grown, visitors)} ${inAndOut}`] : []),
    ...(isMore(residentGrown, visitors, RESIDENT_NOISE)
      ? [`Its resident memory grows by ${kbFor(residentGrown, visitors)} ${inAndOut}`]
      : []),
  ];
}

function heldBy({ heapUsed, external }: Memory): number {
  return heapUsed + external;
}

export function memoryResult(measured: MemoryMeasurements): Result {
  const { empty, full } = measured;
  const perSocket = (name: 'gateway' | 'bare', figure: 'rss' | 'heapUsed' | 'external'): number => {
    const last = full.at(-1);
    return last ? (last[name][figure] - empty[name][figure]) / last.size / 1024 : 0;
  };
  const seriesOf = (name: 'gateway' | 'bare'): Point[] =>
    full.map((step) => ({ size: step.size, value: (step[name].rss - empty[name].rss) / 1024 ** 2 }));
  const size = full.at(-1)?.size ?? 0;
  const gateway = perSocket('gateway', 'rss');
  const bare = perSocket('bare', 'rss');
  const kept = (heldBy(measured.left) - heldBy(empty.gateway)) / 1024;
  return {
    id: 'P11',
    what: `memory a socket in one private topic, of ${short(size)}`,
    target: `≤ ${TARGET_KB} KB`,
    measured: `${short(gateway)} KB`,
    comparedWith: `bare ws ${short(bare)} KB; Supabase Realtime ~160 KB as published`,
    ratio: gateway / bare,
    met: gateway <= TARGET_KB,
    broken: findKeptMemory(measured),
    figures: {
      gateway_rss_kb: gateway,
      gateway_heap_kb: perSocket('gateway', 'heapUsed'),
      gateway_external_kb: perSocket('gateway', 'external'),
      bare_rss_kb: bare,
      bare_heap_kb: perSocket('bare', 'heapUsed'),
      bare_external_kb: perSocket('bare', 'external'),
      kept_after_all_left_kb: kept,
      rss_after_all_left_mb: measured.left.rss / 1024 ** 2,
      rss_before_mb: empty.gateway.rss / 1024 ** 2,
      rss_after_first_visit_mb: (measured.visits.after[0]?.rss ?? 0) / 1024 ** 2,
      rss_after_last_visit_mb: (measured.visits.after.at(-1)?.rss ?? 0) / 1024 ** 2,
      joins_per_second: measured.joinsPerSecond,
    },
    series: { gateway_rss_mb: seriesOf('gateway'), bare_rss_mb: seriesOf('bare') },
    sizes: { sockets: size, visitors: measured.visits.sockets, visits: measured.visits.after.length },
  };
}
