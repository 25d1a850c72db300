/** What is derived from the migrations is committed; here it is derived again and compared. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateSchema } from '../scripts/generate-schema.ts';
import { generateTypes } from '../scripts/generate-types.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

it.each([
  ['types.gen.ts', (database: TestDatabase) => generateTypes(database.url)],
  ['schema.md', async (database: TestDatabase) => generateSchema(await database.connect())],
])('%s is what the migrations make', async (name, generate) => {
  const committed = await readFile(join(import.meta.dirname, name), 'utf8').catch(() => '');
  const isCurrent = committed === (await generate(db));
  expect(isCurrent, `database/${name} differs from the migrations. Mend it: npm run generate`).toBe(true);
});
