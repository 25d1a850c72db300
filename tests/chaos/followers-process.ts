/** A process of many followers. */
import { Follower, type FollowerCounts } from './follower.ts';
import type { FollowersNews, FollowersOrder } from './messages.ts';
import { randomFrom } from './random.ts';

let followers: Follower[] = [];
let random: () => number;

process.on('message', (order: FollowersOrder) => {
  if (order.kind === 'start') {
    random = randomFrom(order.seed);
    followers = order.followers.map((options) => new Follower({ ...options, random }));
    for (const follower of followers) follower.start();
  } else if (order.kind === 'cut') {
    for (let n = 0; n < order.count; n += 1) followers[Math.floor(random() * followers.length)]?.cut();
  } else if (order.kind === 'await') void awaitAll(order);
  else finish();
});
process.once('disconnect', () => process.exit());

function tell(news: FollowersNews): void {
  process.send?.(news);
}

async function awaitAll({ revisions, from, deadlineMs }: FollowersOrder & { kind: 'await' }): Promise<void> {
  const delays = await Promise.all(
    followers.map(
      (follower) =>
        new Promise<number | null>((resolve) => {
          const timer = setTimeout(() => resolve(null), deadlineMs);
          follower.whenShown(revisions[follower.topic] ?? 0, () => {
            clearTimeout(timer);
            resolve(Date.now() - from);
          });
        }),
    ),
  );
  tell({ kind: 'right', delays });
}

function finish(): void {
  const sum: Partial<FollowerCounts> = {};
  for (const follower of followers) {
    follower.stop();
    for (const [name, count] of Object.entries(follower.counts) as [keyof FollowerCounts, number][]) {
      sum[name] = (sum[name] ?? 0) + count;
    }
  }
  tell({ kind: 'finished', counts: sum as FollowerCounts });
}
