/**
 * `npm run generate`: migrates a throwaway database and writes what is derived from it, `database/types.gen.ts`
 * and `database/schema.md`. A database test fails while either differs from the migrations.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSchema } from './generate-schema.ts';
import { generateTypes } from './generate-types.ts';
import { createMigratedDatabase, withClient, withThrowawayCluster } from './throwaway-cluster.ts';

const DATABASE = join(import.meta.dirname, '..', 'database');

await withThrowawayCluster(async (cluster) => {
  const { admin, url } = await createMigratedDatabase(cluster, 'generate');
  await writeFile(join(DATABASE, 'types.gen.ts'), await generateTypes(url));
  await writeFile(join(DATABASE, 'schema.md'), await withClient(admin, generateSchema));
});
