/** Everybody who attacks, in a process of their own: many lanes of every attack at once, until they are ended. */
import { spawnSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../../chaos/random.ts';
import { checkTarget, createAddresses } from './addresses.ts';
import type { Attack, Scene, Target } from './attack.ts';
import { AttackRecord, type AttackReport } from './record.ts';

/** To the crew's process. */
export type CrewOrder =
  | {
      kind: 'attack';
      target: Target;
      /** Names of the attacks to make; all when none is named. */
      names: readonly string[];
      /** Share of a full run, above 0 and at most 1: of lanes, sockets and requests at once. */
      strength: number;
      seed: number;
    }
  | { kind: 'end' };

/** From the crew's process. */
export type CrewNews =
  /** A strike of this attack has come to its end for the first time. */
  | { kind: 'struck'; name: string }
  /** The server is away; `underWay` names the attacks that were being made then. */
  | { kind: 'away'; underWay: string[] }
  /** All strikes have ended; `underWay` names the attacks that were being made when the order to end came. */
  | { kind: 'ended'; reports: AttackReport[]; underWay: string[] };

const ADDRESSES = 400;
/** Pause of a lane whose strike met nobody, milliseconds. */
const AWAY_PAUSE_MS = 300;
/** The lowest priority. */
const NICE = 19;

/** Serves orders of the parent process, and ends with it. */
export function runCrew(attacks: readonly Attack[]): void {
  stepBack();
  process.once('disconnect', () => process.exit(0));
  const end = new AbortController();
  // Each strike listens, and each wait of it.
  setMaxListeners(0, end.signal);
  let attacking: Promise<AttackReport[]> = Promise.resolve([]);
  const records: AttackRecord[] = [];
  process.on('message', (order: CrewOrder) => {
    if (order.kind === 'attack') {
      attacking = attack(attacks, records, order, end.signal);
      attacking.catch(fail);
      return;
    }
    const underWay = namesOf(records);
    end.abort();
    attacking.then((reports) => tell({ kind: 'ended', reports, underWay })).catch(fail);
  });
}

/**
 * Leaves the machine to the server and the honest clients: in life attackers bring their own. Where Linux has `chrt`, the
 * process runs only when nobody else wants to; by its priority alone it would finish its slice before the server runs.
 */
function stepBack(): void {
  setPriority(NICE);
  if (process.platform === 'linux')
    spawnSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(process.pid)]);
}

function fail(error: unknown): void {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
}

function tell(news: CrewNews): void {
  process.send?.(news);
}

/** Names of the attacks that are being made. */
function namesOf(records: readonly AttackRecord[]): string[] {
  return records.filter((record) => record.underWay > 0).map(({ report }) => report.name);
}

async function attack(
  attacks: readonly Attack[],
  records: AttackRecord[],
  { target, names, strength, seed }: CrewOrder & { kind: 'attack' },
  signal: AbortSignal,
): Promise<AttackReport[]> {
  checkTarget(target.url);
  const address = await createAddresses(ADDRESSES, randomFrom(seed));
  const chosen = attacks.filter(({ name }) => names.length === 0 || names.includes(name));
  const share = (count: number): number => Math.max(1, Math.round(count * strength));
  records.push(...chosen.map(({ name }) => new AttackRecord(name)));
  const hasStruck = new Set<string>();
  let isAway = false;
  const away = (): void => {
    if (isAway) return;
    isAway = true;
    tell({ kind: 'away', underWay: namesOf(records) });
  };
  await Promise.all(
    chosen.flatMap((each, place) =>
      Array.from({ length: share(each.lanes) }, async (_, lane) => {
        const random = randomFrom(seed + 1_000 * place + lane + 1);
        const record = records[place] as AttackRecord;
        await runLane(each, { target, record, random, address, share, signal }, hasStruck, away);
      }),
    ),
  );
  return records.map(({ report }) => report);
}

async function runLane(each: Attack, scene: Scene, hasStruck: Set<string>, away: () => void): Promise<void> {
  const { record, random, signal } = scene;
  const rest = (ms: number): Promise<unknown> => pause(ms, undefined, { signal }).catch(() => {});
  // Lanes of an attack do not begin all at once.
  await rest(each.pauseMs * random());
  while (!signal.aborted) {
    const met = record.report.answers['away'] ?? 0;
    const ended = record.begin();
    await each.strike(scene);
    const isAway = (record.report.answers['away'] ?? 0) > met;
    if (isAway) away();
    else if (!signal.aborted && !hasStruck.has(each.name)) {
      hasStruck.add(each.name);
      tell({ kind: 'struck', name: each.name });
    }
    ended();
    await rest(isAway ? AWAY_PAUSE_MS : each.pauseMs * (0.5 + random()));
  }
}
