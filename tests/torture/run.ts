/**
 * The whole product under a load of everything at once, while all that it hangs on is killed at random:
 *
 *   open ──▶ storm ──▶ quiet ──▶ storm ──▶ … ──▶ quiet ──▶ last kill ──▶ quiet
 *
 * In a storm writers, super admins, intruders and faults act at once, and the checker looks at what is committed. When it is
 * quiet, every screen must come to show what the rows say, and the whole history is read.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { SupabaseClient } from '@supabase/supabase-js';
import { randomFrom } from '../chaos/random.ts';
import { createAdmin } from './admin-acts.ts';
import { Checker } from './checker.ts';
import { createSuperAdmin } from './console-acts.ts';
import { Crew, outcomeOfError } from './crew.ts';
import { Doors, Eavesdropper } from './doors.ts';
import { FAULTS, Faults, type Kill } from './faults.ts';
import { Ledger } from './ledger.ts';
import { MortalProduct } from './product.ts';
import { createOperator, createSqlWriter } from './sql-acts.ts';
import { type Account, createStage, openClient, signIn, type Stage } from './stage.ts';
import { type Plan, Screens } from './screens.ts';
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
  progress: (text: string) => void;
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

/** Runs it and reports. @throws Error when the product does not come back after a kill */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const { seed, progress } = options;
  const tally = new Tally();
  await using stack = new AsyncDisposableStack();
  progress('starting the product');
  const product = stack.use(await MortalProduct.start());
  const stage = await createStage(product);

  progress(`opening ${options.screens} screens`);
  const screens = await Screens.open(product.url, plansOf(stage, options.screens), stage.groups, tally);
  stack.defer(() => screens.close());
  const superAdmin = await signIn(product, stage.superAdmin);
  const crew = new Crew(tally);
  stack.defer(() => crew.stop());
  const ledger = await fillCrew(crew, product, stage, superAdmin, options, tally);
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
    const { data, error } = await superAdmin.rpc('verify_usage');
    const drifted = error ? [`verify_usage(): ${error.message}`] : (data as object[]);
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
  const repaired = await superAdmin.rpc('repair_usage');
  tally.note('repair', 1, repaired.data === 0 ? [] : [`repair_usage(): ${JSON.stringify(repaired)}`]);
  await countCommits(product, stage, tally);
  return { tally, outages: faults.outages, recovery, served, missing: missingOf(tally) };
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

/** Who has which page open: members of several groups, and the platform's own people. */
function plansOf({ admins, staff, superAdmin, world }: Stage, count: number): Plan[] {
  const dashboard = (account: Account): Plan => ({ account, page: { kind: 'dashboard' } });
  const plans: Plan[] = [
    dashboard(admins[0]!),
    { account: superAdmin, page: { kind: 'list', search: 'GROUPE-' } },
    dashboard(staff[0]!),
    dashboard(admins[1]!),
    { account: superAdmin, page: { kind: 'group', group: world.groups[2]! } },
    ...admins.slice(2).map(dashboard),
    ...staff.slice(1).map(dashboard),
  ];
  return Array.from({ length: count }, (_, n) => plans[n % plans.length]!);
}

async function fillCrew(
  crew: Crew,
  product: MortalProduct,
  stage: Stage,
  superAdmin: SupabaseClient,
  { seed, writers }: TortureOptions,
  tally: Tally,
): Promise<Ledger> {
  const { world, groups, ledger: tenant } = stage;
  let serial = seed + 100;
  const chance = (): (() => number) => randomFrom((serial += 1));
  const members = [...stage.admins, ...stage.staff];
  const clients = new Map<string, SupabaseClient>();
  for (const account of members) clients.set(account.id, await signIn(product, account));

  for (let n = 0; n < writers; n += 1) {
    const { id } = stage.admins[n % world.groups.length]!;
    const group = world.groups[n % world.groups.length]!;
    const random = chance();
    crew.add(createAdmin({ client: clients.get(id)!, group, plans: world.plans, random }), random);
    crew.add(createSqlWriter(product, world, random, seed + n), random);
  }
  const [console, operator, keeper, intruder] = [chance(), chance(), chance(), chance()];
  crew.add(createSuperAdmin({ client: superAdmin, world, ledger: tenant.id, random: console }), console);
  crew.add(createOperator(product, world, operator, tally), operator);
  const ledger = new Ledger(clients.get(stage.admins.at(-1)!.id)!, tenant, keeper);
  crew.add(() => ledger.act(), keeper);
  const intruders = [
    ...members.map((account) => ({ account, client: clients.get(account.id)! })),
    { account: null, client: openClient(product) },
  ];
  const doors = new Doors({
    intruders,
    groups,
    plan: stage.plan,
    db: product,
    random: intruder,
    tally,
  });
  crew.add(() => doors.act(), intruder);
  return ledger;
}

async function openEavesdropper(product: MortalProduct, stage: Stage, tally: Tally): Promise<Eavesdropper> {
  const account = stage.admins[0]!;
  const topics = [...stage.groups.map((id) => `group:${id}`), 'platform'];
  return new Eavesdropper({ account, client: await signIn(product, account) }, topics, tally);
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
