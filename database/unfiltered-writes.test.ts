/** The reader of function bodies by which the law test finds writes without WHERE. */
import { expect, it } from 'vitest';
import { unfilteredWrites } from '../tests/helpers/unfiltered.ts';

it('finds every UPDATE and DELETE without WHERE, and nothing that only looks like one', () => {
  expect(
    unfilteredWrites(`
        begin
          update a set b = (select 1 from c where true); -- where
          for r in update a set b = 1 returning * loop delete from c where d; end loop;
          with gone as (delete from a returning *) update a set b = 1 from gone where a.id = gone.id;
          insert into a values (1) on conflict (b) do update set b = 2;
          perform 1 from a for update;
          perform 1 from a for no key update;
          execute format('delete from %I', 'where');
          delete from a where b;
          update a set b = 'where';
        end`),
  ).toEqual([
    'update a set b = (',
    'update a set b = 1',
    'delete from a returning * )',
    "update a set b = 'where'",
    'delete from % I',
  ]);
});
