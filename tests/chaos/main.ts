/**
 * `npm run chaos`: the proof at full size, on a PostgreSQL of its own. Prints a table; fails when anything that
 * must be 0 is not. How fast all are right again is told beside its target, and depends on what else the machine does.
 *
 *   node tests/chaos/main.ts [seed] [seconds]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { applyPlatform } from '../../server/platform.ts';
import { Cluster, SUPERUSER } from '../../server/postgres/cluster.ts';
import { type ChaosReport, FULL_SIZE, runChaos } from './run.ts';

const PASSWORD = 'chaos';
const RECOVERY_MS = 2_000;

const seed = Number(process.argv[2] ?? Date.now() % 1_000_000);
const seconds = Number(process.argv[3] ?? 120);
const directory = await mkdtemp(join(tmpdir(), 'gateway-chaos-'));
const cluster = new Cluster({
  directory: join(directory, 'postgres'),
  logFile: join(directory, 'postgresql.log'),
  password: PASSWORD,
  logger: pino({ level: 'warn' }),
});
const cleanUp = async (): Promise<void> => {
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().then(() => process.exit(1)));
}
try {
  await cluster.start();
  const url = cluster.url(SUPERUSER, PASSWORD, 'postgres');
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await applyPlatform(admin, url);
  await admin.query(`alter role postgres password '${PASSWORD}'`);
  await admin.end();
  process.stdout.write(`seed ${seed}; ${seconds} seconds\n`);
  const report = await runChaos({
    ...FULL_SIZE,
    databaseUrl: cluster.url('postgres', PASSWORD, 'postgres'),
    seconds,
    seed,
  });
  process.stdout.write(`${render(report)}\n`);
  const { missed, counts } = report;
  const wrong = missed + counts.gaps + counts.shownTwice + counts.shownBackwards + counts.shownWrong;
  if (wrong > 0) process.exitCode = 1;
} finally {
  await cleanUp();
}

function render({ killed, counts, ...report }: ChaosReport): string {
  const verdict = `target ${RECOVERY_MS}: ${report.recovery.slowest <= RECOVERY_MS ? 'met' : 'MISSED'}`;
  const lines: [string, string | number][] = [
    ['clients, topics, seconds', `${report.followers}, ${report.topics}, ${report.seconds}`],
    ['revisions committed', report.committed],
    ['kills: sockets, feed, gateway', `${killed.sockets}, ${killed.feed}, ${killed.gateway}`],
    ['joins, snapshots fetched', `${counts.joins}, ${counts.snapshots}`],
    ['revisions shown', counts.shown],
    ['clients that missed something', report.missed],
    ['revisions missing on a joined channel', counts.gaps],
    ['shown out of order', counts.shownBackwards],
    ['shown twice', counts.shownTwice],
    ['shown in the wrong place', counts.shownWrong],
    ['repeats dropped (at least once)', counts.repeatsDropped],
    ['gateway serves after its last kill', `${report.recovery.gateway} ms`],
    [
      'clients are right after it',
      `${report.recovery.median} ms median, ${report.recovery.slowest} ms slowest; ${verdict}`,
    ],
  ];
  return lines.map(([name, value]) => `${name.padEnd(40)}${value}`).join('\n');
}
