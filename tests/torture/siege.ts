/**
 * The product under attack while honest clients work:
 *
 *   open ──▶ warm ──▶ quiet ──▶ attack ──▶ look
 *
 * The same clients do the same when it is quiet and under attack, in one run: what an attack costs them is a ratio.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { revOf } from '../helpers/tenants.ts';
import { ATTACKS } from './hostile/attacks.ts';
import type { AttackReport } from './hostile/record.ts';
import { EVERYBODY, HostileCrew } from './hostile-crew.ts';
import { addDurations, type Durations, HonestClients } from './honest-clients.ts';
import type { MortalProduct } from './product.ts';
import { Screens } from './screens.ts';
import { createSiegeStage, type SiegeStage, targetOf } from './siege-stage.ts';
import { logBytes, readUnsound, SiegeWatch, startOfPostgres } from './siege-watch.ts';
import { Tally } from './tally.ts';

export interface SiegeOptions {
  product: MortalProduct;
  /** How long it is quiet, and how long the attack lasts. */
  quietSeconds: number;
  attackSeconds: number;
  /** Honest group admins. */
  honest: number;
  /** How many of them have their dashboard open beside it, each in a process of its own. */
  screens: number;
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
/** Of the server's last words before its end. */
const LAST_WORDS = 700;

/** Attacks the product and reports. @throws Error for a fault of the crew or of the stage, not of the product */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  const { product, quietSeconds, attackSeconds, progress } = options;
  await using stack = new AsyncDisposableStack();
  await product.healthy();
  const stage = await createSiegeStage(product, options.honest);
  const honest = await HonestClients.open(product, stage.honest);
  stack.defer(() => honest.close());
  const tally = new Tally();
  const screens = await openScreens(options, stage, tally);
  stack.defer(() => screens.close());
  const watch = stack.use(new SiegeWatch(product.pid));
  const startBefore = await startOfPostgres(product);
  const gone = new AbortController();
  let end = '';
  const dying = product.ended.then((how) => {
    end = how;
    gone.abort();
  });

  progress('honest clients alone');
  await honest.reserve(quietSeconds);
  await honest.work(Math.min(WARM_MS, quietSeconds * 250), gone.signal);
  watch.takePeak();
  const quiet = await honest.work(quietSeconds * 1_000, gone.signal);
  const rssQuiet = watch.takePeak();

  progress(`${options.attacks?.join(', ') ?? 'every attack at once'}, ${attackSeconds} seconds`);
  await honest.reserve(attackSeconds);
  const target = await targetOf(product, stage, honest.paths);
  const logBefore = logBytes(product.dataDir);
  const crew = stack.use(
    HostileCrew.attack({
      file: options.crew ?? EVERYBODY,
      target,
      names: options.attacks ?? [],
      strength: options.strength,
      seed: options.seed,
    }),
  );
  const { attacked, never } = await endure(options, honest, crew, gone.signal);
  const attacks = await crew.end();
  const rss = { quiet: rssQuiet, attacked: watch.takePeak() };
  const grown = logBytes(product.dataDir) - logBefore;

  progress('looking at what is left');
  // A process that takes no connections any more is about to end.
  if (crew.foundAway) await Promise.race([dying, pause(DYING_MS)]);
  const wrong = attacks.flatMap(sentencesOf);
  let death: string | null = null;
  if (gone.signal.aborted) {
    const words = product.lastWords().slice(-LAST_WORDS);
    death = `${end} Under way were: ${crew.underWay.join(', ')}. Its last words: ${words}`;
  } else {
    if (never.length > 0) wrong.push(`These attacks never struck: ${never.join(', ')}`);
    await product.healthy();
    await honest.hearAll((group) => revOf(product, group));
    await screens.right(product, Date.now());
    wrong.push(...Object.values(tally.findings()).flat(), ...(await readUnsound(product, stage)));
  }
  const startAfter = await startOfPostgres(product);
  if (startAfter !== startBefore) {
    wrong.push(`PostgreSQL was started at ${startBefore}, and now: ${startAfter}`);
  }
  wrong.push(...honest.findings.sentences());
  return { attackSeconds, attacks, quiet, attacked, rss, logBytes: grown, death, wrong };
}

/** Opens dashboards and waits until they are right. */
async function openScreens(
  { product, screens: count }: SiegeOptions,
  { honest }: SiegeStage,
  tally: Tally,
): Promise<Screens> {
  const members = honest.slice(0, count);
  const viewers = members.map(({ account }) => ({ account, page: { kind: 'dashboard' as const } }));
  const groups = members.map(({ tenant }) => tenant.id);
  const screens = await Screens.open(product.url, viewers, groups, tally);
  await screens.right(product, Date.now());
  return screens;
}

/** Has the honest work under attack, until every attack has struck or is given up; `never` names those. */
async function endure(
  { attackSeconds, attacks, progress }: SiegeOptions,
  honest: HonestClients,
  crew: HostileCrew,
  gone: AbortSignal,
): Promise<{ attacked: Durations; never: string[] }> {
  const work = (ms: number): Promise<Durations> => Promise.race([honest.work(ms, gone), crew.failed]);
  const names = attacks ?? ATTACKS.map(({ name }) => name);
  const unstruck = (): string[] => names.filter((name) => !crew.struck.has(name));
  const attacked = await work(attackSeconds * 1_000);
  for (let more = 0; more < MOST_SLICES_MORE && unstruck().length > 0 && !gone.aborted; more += 1) {
    progress(`until there was: ${unstruck().join(', ')}`);
    addDurations(attacked, await work(SLICE_MS));
  }
  return { attacked, never: unstruck() };
}

function sentencesOf({ name, wrong, examples }: AttackReport): string[] {
  return wrong > 0 ? [`Attack “${name}”, ${wrong} × answered as it must not be: ${examples.join('; ')}`] : [];
}
