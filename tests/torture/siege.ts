/**
 * The product under attack while honest clients work:
 *
 *   open ──▶ warm ──▶ quiet ──▶ attack ──▶ look
 *
 * The same clients do the same when it is quiet and under attack, in one run: what an attack costs them is a ratio.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable } from '../helpers/database.ts';
import { revOf } from '../helpers/tenants.ts';
import { UNSOUND } from '../helpers/unsound.ts';
import type { Target } from './hostile/attack.ts';
import { ATTACKS } from './hostile/attacks.ts';
import type { AttackReport } from './hostile/record.ts';
import { EVERYBODY, HostileCrew } from './hostile-crew.ts';
import { addDurations, type Durations, HonestClients } from './honest-clients.ts';
import type { MortalProduct } from './product.ts';
import { createSiegeStage, type SiegeStage } from './siege-stage.ts';
import { logBytes, SiegeWatch, startOfPostgres } from './siege-watch.ts';
import { signIn } from './stage.ts';

export interface SiegeOptions {
  product: MortalProduct;
  /** How long it is quiet, and how long the attack lasts. */
  quietSeconds: number;
  attackSeconds: number;
  /** Honest group admins. */
  honest: number;
  /** Share of a full attack, above 0 and at most 1: of lanes, sockets and requests at once. */
  strength: number;
  seed: number;
  /** The crew's process; every attack there is when left out. */
  crew?: string;
  /** Names of the attacks to make; all of the crew's when left out. */
  attacks?: readonly string[];
  progress: (text: string) => void;
}

export interface SiegeReport {
  attackSeconds: number;
  attacks: AttackReport[];
  quiet: Durations;
  attacked: Durations;
  /** Resident memory of the server's process, bytes: the most when it was quiet, and under attack. */
  rss: { quiet: number; attacked: number };
  /** Growth of PostgreSQL's log under attack, bytes. */
  logBytes: number;
  /** How the server's process ended and what was under way then; `null` when it lives. */
  death: string | null;
  /** What the server did wrong, a sentence each. */
  wrong: string[];
}

/** The first requests warm caches and are not counted: so long, of the quiet's time at most a quarter, milliseconds. */
const WARM_MS = 2_000;
/** On a machine that is too busy for every attack to strike in time, the siege lasts longer. */
const SLICE_MS = 5_000;
const MOST_SLICES_MORE = 6;
/** Longest wait for the end of a process that takes no connections any more, milliseconds. */
const DYING_MS = 20_000;
/** So many documents has every other honest client for strangers to reach for. */
const DOCUMENTS = 4;
/** Of the server's last words before its end. */
const LAST_WORDS = 700;

/** Documents that hold more than was reserved for them, or files that stand where nothing is reserved. */
const OVERFULL = `
  select 'document ' || o.name || ' has ' || (o.metadata->>'size') || ' bytes, and ' || coalesce(d.size_bytes::text, 'nothing')
         || ' was reserved' as what
  from storage.objects o left join public.documents d on d.storage_path = o.name
  where o.bucket_id = 'documents' and (o.metadata->>'size')::bigint > coalesce(d.size_bytes, 0)
    and split_part(o.name, '/', 1) = any (select unnest($1::uuid[])::text)`;

/** Attacks the product and reports. @throws Error for a fault of the crew or of the stage, not of the product */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  const { product, quietSeconds, attackSeconds, strength, seed, progress } = options;
  await using stack = new AsyncDisposableStack();
  await product.healthy();
  const stage = await createSiegeStage(product, options.honest);
  const honest = await HonestClients.open(product, stage.honest, DOCUMENTS);
  stack.defer(() => honest.close());
  const target = await targetOf(product, stage, honest);
  const watch = stack.use(new SiegeWatch(product.pid));
  const startBefore = await startOfPostgres(product);

  const gone = new AbortController();
  let death: string | null = null;
  const dying = product.ended.then((how) => {
    death = how;
    gone.abort();
  });

  progress('honest clients alone');
  await honest.work(Math.min(WARM_MS, quietSeconds * 250), gone.signal);
  watch.takePeak();
  const quiet = await honest.work(quietSeconds * 1_000, gone.signal);
  const rssQuiet = watch.takePeak();

  progress(`${options.attacks?.join(', ') ?? 'every attack at once'}, ${attackSeconds} seconds`);
  const logBefore = logBytes(product.dataDir);
  const crew = stack.use(
    HostileCrew.attack({
      file: options.crew ?? EVERYBODY,
      target,
      names: options.attacks ?? [],
      strength,
      seed,
    }),
  );
  const work = (ms: number): Promise<Durations> => Promise.race([honest.work(ms, gone.signal), crew.failed]);
  const attacked = await work(attackSeconds * 1_000);
  const names = options.attacks ?? ATTACKS.map(({ name }) => name);
  const unstruck = (): string[] => names.filter((name) => !crew.struck.has(name));
  for (let more = 0; more < MOST_SLICES_MORE && unstruck().length > 0 && !gone.signal.aborted; more += 1) {
    progress(`until there was: ${unstruck().join(', ')}`);
    addDurations(attacked, await work(SLICE_MS));
  }
  const never = unstruck();
  const attacks = await crew.end();
  const rss = { quiet: rssQuiet, attacked: watch.takePeak() };
  const grown = logBytes(product.dataDir) - logBefore;

  progress('looking at what is left');
  const wrong = [...attacks.flatMap(sentencesOf)];
  // An exit that a strike caused at the very end is seen a moment later.
  if (crew.foundAway) await Promise.race([dying, pause(DYING_MS)]);
  if (gone.signal.aborted) {
    const words = product.lastWords().slice(-LAST_WORDS);
    death = `${death} Under way were: ${crew.underWay.join(', ')}. Its last words: ${words}`;
  } else {
    if (never.length > 0) wrong.push(`These attacks never struck: ${never.join(', ')}`);
    await product.healthy();
    // What the process outlives is a fault all the same.
    const failed = await product.readMetric('process_unhandled_rejections_total');
    if (failed > 0) wrong.push(`${failed} promises failed that nobody waited for`);
    await honest.hearAll((group) => revOf(product, group));
    wrong.push(...(await unsound(product, stage)));
  }
  const startAfter = await startOfPostgres(product);
  if (startAfter !== startBefore)
    wrong.push(`PostgreSQL was started at ${startBefore}, and now: ${startAfter}`);
  wrong.push(...honest.findings.sentences());
  return { attackSeconds, attacks, quiet, attacked, rss, logBytes: grown, death, wrong };
}

async function targetOf(
  product: MortalProduct,
  { honest, hostile }: SiegeStage,
  clients: HonestClients,
): Promise<Target> {
  const pupils = [];
  for (const { tenant, account } of hostile) {
    const client = await signIn(product, account);
    const { data } = await client.auth.getSession();
    pupils.push({ token: data.session?.access_token ?? '', group: tenant.id, school: tenant.school });
  }
  return {
    url: product.url,
    publishableKey: product.publishableKey,
    pupils,
    ownersPaths: clients.paths,
    emails: honest.map(({ account }) => account.email),
  };
}

function sentencesOf({ name, wrong, examples }: AttackReport): string[] {
  return wrong > 0 ? [`Attack “${name}”, ${wrong} × answered as it must not be: ${examples.join('; ')}`] : [];
}

/** What the rows say of the groups that were in the siege. */
async function unsound(db: Queryable, { honest, hostile }: SiegeStage): Promise<string[]> {
  const groups = [...honest, ...hostile].map(({ tenant }) => tenant.id);
  const found = [];
  for (const sql of [UNSOUND, OVERFULL])
    found.push(...(await db.query<{ what: string }>(sql, [groups])).rows);
  return found.map(({ what }) => what);
}
