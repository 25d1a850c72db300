/** What can be seen of the server from outside during a siege: its process, its memory, PostgreSQL's start and log. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findUnstored, UNSOUND } from '../helpers/unsound.ts';
import type { MortalProduct } from './product.ts';
import type { SiegeStage } from './siege-stage.ts';

const SAMPLE_MS = 100;
const KIBIBYTE = 1_024;

export class SiegeWatch implements Disposable {
  readonly pid: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  /** @param pid the process whose memory is looked at, ten times a second */
  constructor(pid: number) {
    this.pid = pid;
    const look = (): void => {
      this.#peak = Math.max(this.#peak, residentBytes(pid));
    };
    look();
    this.#timer = setInterval(look, SAMPLE_MS);
  }

  /** The most that was resident since the last call, bytes. */
  takePeak(): number {
    const peak = Math.max(this.#peak, residentBytes(this.pid));
    this.#peak = 0;
    return peak;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Resident memory of a process, bytes; 0 when it has ended. */
export function residentBytes(pid: number): number {
  try {
    const status = `/proc/${pid}/status`;
    if (!existsSync('/proc/self/status')) {
      return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * KIBIBYTE;
    }
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) * KIBIBYTE;
  } catch {
    return 0;
  }
}

/** Size of PostgreSQL's logs, those set aside included, bytes. */
export function logBytes(dataDir: string): number {
  const places = [dataDir, join(dataDir, 'log'), join(dataDir, 'postgres', 'log')].filter(existsSync);
  return places
    .flatMap((place) => readdirSync(place).map((name) => join(place, name)))
    .filter((file) => /\.log(\.\d+)?$/.test(file))
    .reduce((sum, file) => sum + statSync(file).size, 0);
}

/** When PostgreSQL was started, as it says itself; a sentence when it does not answer. */
export async function startOfPostgres(product: MortalProduct): Promise<string> {
  try {
    const { rows } = await product.query<{ at: string }>('select pg_postmaster_start_time()::text as at');
    return rows[0]?.at ?? '';
  } catch (error) {
    return `PostgreSQL does not answer: ${(error as Error).message}`;
  }
}

/** Documents that hold more than was reserved for them, and files that stand where nothing is reserved. */
const OVERFULL = `
  select 'document ' || o.name || ' has ' || (o.metadata->>'size') || ' bytes, and ' || coalesce(d.size_bytes::text, 'nothing')
         || ' was reserved' as what
  from storage.objects o left join public.documents d on d.storage_path = o.name
  where o.bucket_id = 'documents' and (o.metadata->>'size')::bigint > coalesce(d.size_bytes, 0)
    and split_part(o.name, '/', 1) = any (select unnest($1::uuid[])::text)`;

/** What the rows and the server's own counts say is wrong after a siege, a sentence each. */
export async function readUnsound(
  product: MortalProduct,
  { honest, hostile }: SiegeStage,
): Promise<string[]> {
  const groups = [...honest, ...hostile].map(({ tenant }) => tenant.id);
  const found = await findUnstored(product, groups);
  for (const sql of [UNSOUND, OVERFULL]) {
    const { rows } = await product.query<{ what: string }>(sql, [groups]);
    found.push(...rows.map(({ what }) => what));
  }
  // What the process outlives is a fault all the same.
  const failed = await product.readMetric('process_unhandled_rejections_total');
  if (failed > 0) found.push(`${failed} promises failed that nobody waited for`);
  return found;
}
