/** A resource has one record in SQL, the enum, and one in TypeScript, RESOURCE_INFO: they say the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RESOURCES } from '../src/core/entitlements.ts';
import { BYTES_PER_GO } from '../src/core/formats.ts';
import { RESOURCE_INFO } from '../src/core/resources.ts';
import { amountText } from '../src/i18n/describe.ts';
import { currentI18n } from '../src/i18n/i18n.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

it('both name the same resources, in the same places', async () => {
  const { rows } = await db.query<{ resource: string; place: number }>(
    `select r as resource, private.place_of(r) as place from unnest(enum_range(null::public.resource)) r`,
  );
  expect(rows).toEqual(RESOURCES.map((resource, index) => ({ resource, place: index + 1 })));
  expect(Object.keys(RESOURCE_INFO)).toEqual([...RESOURCES]);
});

it.each(RESOURCES)('both have the same French words for an amount of %s', async (resource) => {
  const inBytes = RESOURCE_INFO[resource].unit === 'bytes';
  const amounts = inBytes
    ? [0, 1_000_000, 250_000_000, BYTES_PER_GO, 1.5 * BYTES_PER_GO, 50 * BYTES_PER_GO]
    : [0, 1, 2, 10, 999, 1_702, 1_234_567];
  const { rows } = await db.query<{ text: string }>(
    `select private.amount_text($1, amount) as text
     from unnest($2::bigint[]) with ordinality as given (amount, place) order by place`,
    [resource, amounts],
  );
  const plain = (text: string): string => text.replace(/\s/g, ' ');
  expect(rows.map(({ text }) => plain(text))).toEqual(
    amounts.map((amount) => plain(amountText(currentI18n(), resource, amount))),
  );
});
