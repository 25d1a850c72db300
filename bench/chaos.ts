/** P12: sockets, the feed and the gateway are killed under load; whether anybody misses anything or sees it wrong. */
import { type ChaosReport, FULL_SIZE, runChaos } from '../tests/chaos/run.ts';
import { startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';

const SECONDS = 60;
const KILLS = 1_000;

export const chaos: Part = {
  name: 'chaos',
  async run(progress) {
    await using postgres = await startPostgres();
    await postgres.create('stage');
    const databaseUrl = new URL(postgres.url('stage'));
    databaseUrl.username = 'postgres';
    // Another one each time: a run that is repeated looks elsewhere. It is told, so that it can be had again.
    const seed = Date.now() % 1_000_000;
    progress(`${FULL_SIZE.followers} clients, ${SECONDS} seconds of kills, seed ${seed}`);
    const report = await runChaos({
      ...FULL_SIZE,
      databaseUrl: databaseUrl.href,
      seconds: SECONDS,
      seed,
    });
    return [{ ...judgeChaos(report), sizes: { ...FULL_SIZE, seconds: SECONDS, seed } }];
  },
};

/** The line of a run: broken when anybody missed anything or saw it wrong, missed when too little was killed to tell. */
export function judgeChaos(report: ChaosReport): Result {
  const { killed, counts, recovery, missed } = report;
  const kills = killed.sockets + killed.feed + killed.gateway;
  return {
    id: 'P12',
    what: `missed or out of order, ${short(report.followers)} clients, ${short(kills)} kills`,
    target: `0 in ${short(KILLS)} kills`,
    measured: `${missed + counts.gaps} missed, ${counts.shownBackwards} out of order, ${counts.shownTwice} twice, ${counts.shownWrong} wrong`,
    comparedWith: `${short(counts.shown)} revisions shown, ${short(counts.repeatsDropped)} repeats dropped`,
    met: kills >= KILLS,
    broken: wrongsOf(report),
    figures: {
      killed_sockets: killed.sockets,
      killed_feed: killed.feed,
      killed_gateway: killed.gateway,
      revisions_committed: report.committed,
      clients_behind_at_the_end: missed,
      revisions_missing_on_a_joined_channel: counts.gaps,
      shown_out_of_order: counts.shownBackwards,
      shown_twice: counts.shownTwice,
      shown_in_the_wrong_place: counts.shownWrong,
      shown: counts.shown,
      repeats_dropped: counts.repeatsDropped,
      joins: counts.joins,
      snapshots_fetched: counts.snapshots,
      gateway_serves_again_ms: recovery.gateway,
      clients_right_again_median_ms: recovery.median,
      clients_right_again_slowest_ms: recovery.slowest,
    },
  };
}

function wrongsOf({ missed, counts }: ChaosReport): string[] {
  const wrongs: Array<[number, string]> = [
    [missed, 'clients did not show the last revision at the end'],
    [counts.gaps, 'revisions never came on a channel that was joined all the while'],
    [counts.shownBackwards, 'revisions were shown after a later one'],
    [counts.shownTwice, 'revisions were shown twice'],
    [counts.shownWrong, 'revisions were shown in the place of another'],
  ];
  return wrongs.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}
