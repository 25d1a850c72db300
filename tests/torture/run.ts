/**
 * The whole product under a load of everything at once, while all that it hangs on is killed at random:
 *
 *   open ──▶ storm ──▶ quiet ──▶ storm ──▶ … ──▶ quiet ──▶ last kill ──▶ quiet ──▶ siege ──▶ quiet
 *
 * In a storm writers, super admins, intruders and faults act at once, and the checker looks at what is committed. When it is
 * quiet, every screen must come to show what the rows say, and the whole history is read. In the siege nothing is killed: a
 * hostile crew attacks, honest clients work, and nothing may end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { SupabaseClient } from '@supabase/supabase-js';
import { randomFrom } from '../chaos/random.ts';
import { fillCrew, openEavesdropper, viewersOf } from './cast.ts';
import { Checker } from './checker.ts';
import { Crew, outcomeOfError } from './crew.ts';
import { FAULTS, Faults, type Kill } from './faults.ts';
import { MortalProduct } from './product.ts';
import { createStage, signIn, type Stage } from './stage.ts';
import { Screens } from './screens.ts';
import { besiege, type SiegeOptions, type SiegeReport } from './siege.ts';
import { Tally } from './tally.ts';

export interface TortureOptions {
  /** How long it storms in all; the quiet between takes its time beside it. */
  seconds: number;
  /** The same seed makes the same choices. */
  seed: number;
  /** Group admins over REST, and as many sessions of SQL. */
  writers: number;
  /** Open pages, each in a process of its own. */
  screens: number;
  /** The siege at the end; left out when `null`. */
  siege: Pick<SiegeOptions, 'quietSeconds' | 'attackSeconds' | 'honest' | 'screens' | 'strength'> | null;
  progress: (text: string) => void;
  /** Ends the run before its time; everything is stopped and removed all the same. */
  signal?: AbortSignal;
}

export interface TortureReport {
  tally: Tally;
  /** How long the product was away after each kill, milliseconds. */
  outages: Record<Kill, number[]>;
  /**
   * From the last kill, of the server, until each screen was right, milliseconds. Everybody had something to learn that was
   * committed while it was away.
   */
  recovery: number[];
  /** From the last kill until the product served again, milliseconds. */
  served: number;
  /** What should have happened and did not. */
  missing: string[];
  /** What the siege came to; `null` when there was none. */
  siege: SiegeReport | null;
}

const STORM_MS = 20_000;
const LOOK_EVERY_MS = 400;
/** Shortest time without a kill of PostgreSQL or of the server, milliseconds: writers must get something done. */
const CALM_MS = 3_000;
/** Storms in addition to the time asked for, on a machine where not everything has happened by then. */
const MOST_STORMS_MORE = 20;

/** Each of these must have been done at least once, and not only tried. */
const MUST_BE_DONE = [
  'transaction',
  'rolled back transaction',
  'bulk insert',
  'bulk delete',
  'two resources at once',
  'minute jobs',
  'pupils in bulk',
  'import',
  'document',
  'change_plan',
  'change_plan for later',
  'plain update',
  'publication, move',
  'publication, grandfather',
  'set_limit_override',
  'grant_quantity',
  'ledger: enrolled',
] as const;

/**
 * Runs it and reports.
 *
 * @throws Error when the product does not come back after a kill, and the signal's reason when it ends the run
 */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const { signal, progress } = options;
  await using stack = new AsyncDisposableStack();
  progress('starting the product');
  const product = stack.use(await MortalProduct.start());
  signal?.throwIfAborted();
  const ended = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return await Promise.race([run(options, product, stack), ended]);
}

async function run(
  options: TortureOptions,
  product: MortalProduct,
  stack: AsyncDisposableStack,
): Promise<TortureReport> {
  const { seed, progress } = options;
  const tally = new Tally();
  const stage = await createStage(product);

  progress(`opening ${options.screens} screens`);
  const screens = await Screens.open(product.url, viewersOf(stage, options.screens), stage.groups, tally);
  stack.defer(() => screens.close());
  const superAdmin = await signIn(product, stage.superAdmin);
  const crew = new Crew(tally);
  stack.defer(() => crew.stop());
  const ledger = await fillCrew(crew, { product, stage, superAdmin, tally, seed, writers: options.writers });
  const eavesdropper = await openEavesdropper(product, stage, tally);
  stack.defer(() => eavesdropper.stop());
  const checker = new Checker(product, stage.groups, tally);
  const stormMs = Math.min(STORM_MS, (options.seconds * 1_000) / 2);
  const calmMs = Math.min(CALM_MS, stormMs / 6);
  const faults = new Faults({ product, screens, tally, random: randomFrom(seed + 1), calmMs });

  const quiet = async (since: number): Promise<number[]> => {
    const delays = await screens.right(product, since);
    await checker.look();
    await checker.readHistory(screens.takeHeard());
    await ledger.compare(product, tally);
    const drifted = (await ask(superAdmin, 'verify_usage')) as object[];
    tally.note(
      'repair',
      1,
      drifted.map((counter) => JSON.stringify(counter)),
    );
    return delays;
  };
  await quiet(Date.now());

  const storms = Math.ceil((options.seconds * 1_000) / stormMs);
  for (let n = 0; n < storms + MOST_STORMS_MORE; n += 1) {
    // The last kill is one of the server, and the last look makes what can only be made then.
    const missing = missingOf(tally).filter((what) => what !== 'server');
    if (n >= storms && missing.length === 0) break;
    progress(`storm ${n + 1}${n >= storms ? `, until there was: ${missing.join(', ')}` : ` of ${storms}`}`);
    await storm(crew, checker, faults, stormMs);
    progress(`quiet: screens right after ${Math.max(...(await quiet(Date.now())))} ms`);
  }

  progress('the last kill');
  const killedAt = Date.now();
  await faults.kill('server', () => product.query(TOUCH_ALL, [stage.groups, stage.world.plans]));
  const served = Date.now() - killedAt;
  const recovery = await quiet(killedAt);
  const repaired = await ask(superAdmin, 'repair_usage');
  tally.note('repair', 1, repaired === 0 ? [] : [`repair_usage() repaired ${String(repaired)}`]);
  await countCommits(product, stage, tally);
  const siege = options.siege && (await besiege({ product, seed, progress, ...options.siege }));
  // What the siege did to the storm's groups and screens; a server that it has ended shows nothing.
  if (siege?.death === null) await quiet(Date.now());
  return { tally, outages: faults.outages, recovery, served, missing: missingOf(tally), siege };
}

/** Calls a function without arguments, when nothing is being killed. @throws Error when it is refused */
async function ask(client: SupabaseClient, name: string): Promise<unknown> {
  const { data, error } = await client.rpc(name);
  if (error) throw new Error(`${name}(): ${error.message}`, { cause: error });
  return data;
}

/** Everybody gets another plan, and so something to learn. */
const TOUCH_ALL = `
  update public.subscriptions s set plan_id = (
    select id from public.subscription_plans p where p.slug = any ($2) and p.id <> s.plan_id order by id limit 1)
  where s.school_group_id = any ($1)`;

async function storm(crew: Crew, checker: Checker, faults: Faults, ms: number): Promise<void> {
  const end = AbortSignal.timeout(ms);
  crew.storm();
  const looking = (async () => {
    while (!end.aborted) {
      await pause(LOOK_EVERY_MS);
      await checker.look().catch((error: unknown) => {
        // PostgreSQL is away: there is nothing to see.
        if (outcomeOfError('look', error).answer !== 'away') throw error;
      });
    }
  })();
  await Promise.all([faults.rage(end), looking]);
  await crew.quiet();
}

/** What must have happened and has not: checks, faults, acts. */
export function missingOf(tally: Tally): string[] {
  return [
    ...tally.unmade(),
    ...FAULTS.filter((fault) => tally.countOf('faults', fault) === 0),
    ...MUST_BE_DONE.filter((act) => tally.countOf('done', act) === 0),
  ];
}

/** What was committed, as the groups' own histories tell it. */
async function countCommits(product: MortalProduct, { groups }: Stage, tally: Tally): Promise<void> {
  const { rows } = await product.query<{ event: string; count: number }>(
    `select event, count(*)::int as count from realtime.messages
     where topic = any (select 'group:' || g from unnest($1::uuid[]) g) group by event`,
    [groups],
  );
  for (const { event, count } of rows) tally.count('messages', event, count);
}
