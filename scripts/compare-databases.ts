/**
 * `npm run compare-databases -- A B`: what two databases differ in. A and B are directories of migrations, each
 * applied to a throwaway database, or connection URLs of a superuser. Exits with 0 when they are equal, 1 when not.
 *
 * A column that only stands at another place of its table is named, and makes no difference.
 */
import { resolve } from 'node:path';
import { compareDescriptions } from './compare-descriptions.ts';
import { describeDatabase, type Description } from './describe-database.ts';
import { createMigratedDatabase, withClient, withThrowawayCluster } from './throwaway-cluster.ts';

const [a, b, ...rest] = process.argv.slice(2);
if (!a || !b || rest.length > 0) {
  console.error('Usage: npm run compare-databases -- A B (directories of migrations, or URLs of databases)');
  process.exit(2);
}

const [before, after] = await withThrowawayCluster(async (cluster) => {
  const describe = async (source: string, name: string): Promise<Description> => {
    const url = /^postgres(ql)?:/.test(source)
      ? source
      : (await createMigratedDatabase(cluster, name, resolve(source))).admin;
    return withClient(url, describeDatabase);
  };
  return [await describe(a, 'a'), await describe(b, 'b')] as const;
});

const { differences, moved } = compareDescriptions(before, after);
for (const line of moved) console.log(line);
for (const line of differences) console.log(line);
console.log(
  differences.length === 0
    ? `Equal: ${before.size} objects and rows.`
    : `${differences.length} differences (- only in A or as in A, + only in B or as in B).`,
);
process.exitCode = differences.length === 0 ? 0 : 1;
