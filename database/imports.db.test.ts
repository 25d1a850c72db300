/** Files of pupils and staff: previewed, taken whole or as far as they fit, answered row by row. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import {
  add,
  createPlan,
  createTenant,
  drift,
  idOf,
  revOf,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, await createPlan(db, { students: 10, staff: 4 }));
});

interface Report {
  mode: string;
  total: number;
  valid: number;
  ready: number;
  inserted: number;
  refused: { row: number; code: string; field?: string }[];
  decision: { allowed: boolean; usage: number; requested: number; limit: number | null; rev: number };
}
type Mode = 'preview' | 'all_or_nothing' | 'first_that_fit';
const importAs = (
  actor: Actor,
  kind: 'students' | 'staff',
  rows: unknown,
  mode: Mode,
  school = group.school,
) => callAs<Report>(db, actor, `import_${kind}($1::jsonb, $2, $3)`, [JSON.stringify(rows), mode, school]);
const students = (rows: unknown, mode: Mode) => importAs(group.admin, 'students', rows, mode);
const staff = (rows: unknown, mode: Mode) => importAs(group.admin, 'staff', rows, mode);
const pupils = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => ({
    first_name: 'Élève',
    last_name: `n° ${from + i}`,
    registration_number: `M-${from + i}`,
    class_name: '6e A',
    gender: i % 2 ? 'f' : 'M',
    birth_date: '2014-02-28',
  }));

describe('a preview', () => {
  it('says what would fit, row by row, and changes nothing', async () => {
    await add(db, group, 'students', 7);
    const rev = await revOf(db, group.id);
    const report = await students(pupils(5), 'preview');
    expect(report).toMatchObject({ total: 5, valid: 5, ready: 3, inserted: 0 });
    expect(report.refused).toEqual([
      { row: 4, code: 'requested_exceeds_limit' },
      { row: 5, code: 'requested_exceeds_limit' },
    ]);
    expect(report.decision).toMatchObject({ allowed: false, usage: 7, requested: 5, limit: 10, rev });
    expect([await usageOf(db, group.id), await revOf(db, group.id)]).toEqual([[1, 7, 0, 0], rev]);
    expect((await db.query('select 1 from refusals where school_group_id = $1', [group.id])).rowCount).toBe(
      0,
    );
  });

  it('says what an import then does', async () => {
    const rows = [...pupils(8), { first_name: 'Sans nom' }, ...pupils(3, 8)];
    const preview = await students(rows, 'preview');
    const report = await students(rows, 'first_that_fit');
    expect(report).toEqual({ ...preview, mode: 'first_that_fit', inserted: preview.ready });
  });
});

describe('all or nothing', () => {
  it('takes a file whose every row is good and fits', async () => {
    expect(await students(pupils(10), 'all_or_nothing')).toMatchObject({ inserted: 10, refused: [] });
    const { rows } = await db.query(
      `select first_name, last_name, registration_number, class_name, gender, birth_date::text, school_id, status
       from students where school_group_id = $1 and registration_number = 'M-2'`,
      [group.id],
    );
    expect(rows).toEqual([
      {
        first_name: 'Élève',
        last_name: 'n° 2',
        registration_number: 'M-2',
        class_name: '6e A',
        gender: 'F',
        birth_date: '2014-02-28',
        school_id: group.school,
        status: 'active',
      },
    ]);
  });

  it.each([
    ['one row too many', pupils(11)],
    ['one row that is wrong', [...pupils(2), { first_name: 'A' }]],
    ['one row twice', [...pupils(2), ...pupils(1)]],
  ])('takes nothing of a file with %s', async (_what, rows) => {
    const rev = await revOf(db, group.id);
    const report = await students(rows, 'all_or_nothing');
    expect([report.inserted, report.refused.length]).toEqual([0, 1]);
    expect([await usageOf(db, group.id), await revOf(db, group.id)]).toEqual([[1, 0, 0, 0], rev]);
  });
});

describe('the first that fit', () => {
  it('are taken in the order of the file; the refusal is kept with its decision and revision', async () => {
    const rev = await revOf(db, group.id);
    const report = await students([{ last_name: 'Sans prénom' }, ...pupils(12)], 'first_that_fit');
    expect(report).toMatchObject({ total: 13, valid: 12, ready: 10, inserted: 10 });
    expect(report.refused.map(({ row, code }) => [row, code])).toEqual([
      [1, 'invalid_value'],
      [12, 'requested_exceeds_limit'],
      [13, 'requested_exceeds_limit'],
    ]);
    const { rows } = await db.as(group.admin, (client) =>
      client.query('select source, actor_id, decision from refusals'),
    );
    expect(rows).toMatchObject([
      { source: 'import', actor_id: group.admin.sub, decision: { requested: 12, usage: 0, rev } },
    ]);
    expect((await students(pupils(1, 50), 'first_that_fit')).refused).toEqual([
      { row: 1, code: 'limit_reached' },
    ]);
  });

  it('of staff, with what there is to know of them', async () => {
    const report = await staff(
      [
        {
          first_name: ' Aline ',
          last_name: 'Mbemba',
          email: 'Aline@Example.cg',
          job_title: 'Directrice',
          phone: 242061234567,
        },
        { first_name: 'Autre', last_name: 'Aline', email: 'ALINE@example.cg' },
        { first_name: 'Sans', last_name: 'Adresse' },
        { first_name: 'Mauvaise', last_name: 'Adresse', email: 'personne' },
      ],
      'first_that_fit',
    );
    expect(report.refused).toEqual([
      { row: 2, code: 'already_exists', field: 'email' },
      { row: 4, code: 'invalid_value', field: 'email' },
    ]);
    const { rows } = await db.query(
      `select first_name, email, phone from staff where school_group_id = $1 order by 1`,
      [group.id],
    );
    expect(rows).toEqual([
      { first_name: 'Aline', email: 'aline@example.cg', phone: '242061234567' },
      { first_name: 'Sans', email: null, phone: null },
    ]);
  });
});

describe('a row', () => {
  const good = { first_name: 'A', last_name: 'B' };
  it.each([
    [{ ...good, first_name: '  ' }, 'first_name'],
    [{ ...good, first_name: '\u00a0\t' }, 'first_name'],
    [{ ...good, first_name: null }, 'first_name'],
    [{ ...good, first_name: { $ne: null } }, 'first_name'],
    [{ ...good, first_name: ['A'] }, 'first_name'],
    [{ ...good, last_name: true }, 'last_name'],
    [{ ...good, last_name: 'x'.repeat(81) }, 'last_name'],
    [{ ...good, last_name: 'é'.repeat(1_000_000) }, 'last_name'],
    [{ ...good, registration_number: 'x'.repeat(41) }, 'registration_number'],
    [{ ...good, class_name: [] }, 'class_name'],
    [{ ...good, gender: 'X' }, 'gender'],
    [{ ...good, birth_date: '2014-02-30' }, 'birth_date'],
    [{ ...good, birth_date: '28/02/2014' }, 'birth_date'],
    [{ ...good, birth_date: '٢٠١٤-٠٢-٢٨' }, 'birth_date'],
    [{ ...good, birth_date: '0000-00-00' }, 'birth_date'],
    [{ ...good, birth_date: 'now' }, 'birth_date'],
    [{ ...good, birth_date: 20140228 }, 'birth_date'],
    [{}, 'first_name'],
    [[], 'first_name'],
    [null, 'first_name'],
    [42, 'first_name'],
    ['A;B', 'first_name'],
  ])('that is wrong is refused by the name of its field: %#', async (row, field) => {
    const report = await students([row, good], 'first_that_fit');
    expect(report.refused).toEqual([{ row: 1, code: 'invalid_value', field }]);
    expect(report.inserted).toBe(1);
  });

  it('brings nothing that it has no right to: id, group, school and state are the database’s', async () => {
    const foreign = await createTenant(db);
    await students(
      [
        {
          ...good,
          id: group.id,
          school_group_id: foreign.id,
          school_id: foreign.school,
          status: 'inactive',
          created_at: '1900-01-01',
        },
      ],
      'all_or_nothing',
    );
    const { rows } = await db.query(
      'select school_group_id, school_id, status from students where school_group_id = any ($1)',
      [[group.id, foreign.id]],
    );
    expect(rows).toEqual([{ school_group_id: group.id, school_id: group.school, status: 'active' }]);
  });

  it('that has a number of somebody, in the file or in the group, is refused; also of who has left', async () => {
    await students(pupils(1), 'all_or_nothing');
    await db.query(`update students set status = 'inactive' where school_group_id = $1`, [group.id]);
    const report = await students([...pupils(2), ...pupils(1, 2)], 'first_that_fit');
    expect(report.refused).toEqual([
      { row: 1, code: 'already_exists', field: 'registration_number' },
      { row: 3, code: 'already_exists', field: 'registration_number' },
    ]);
    const elsewhere = await createTenant(db);
    expect(
      (await importAs(elsewhere.admin, 'students', pupils(2), 'all_or_nothing', elsewhere.school)).inserted,
    ).toBe(2);
  });

  it('that is wrong takes its number from nobody', async () => {
    const [row] = pupils(1);
    const report = await students([{ ...row, birth_date: 'hier' }, row], 'first_that_fit');
    expect([report.inserted, report.refused]).toEqual([
      1,
      [{ row: 1, code: 'invalid_value', field: 'birth_date' }],
    ]);
  });
});

describe('a call', () => {
  it.each([
    ['{}', 'preview', 'invalid_request'],
    ['null', 'preview', 'invalid_request'],
    ['"A"', 'preview', 'invalid_request'],
    ['[]', 'preview', 'invalid_request'],
    [JSON.stringify(Array.from({ length: 10_001 }, () => ({}))), 'preview', 'invalid_request'],
    ['[{}]', 'twice', 'invalid_request'],
    ['[{}]', null, 'invalid_request'],
    [null, 'preview', 'invalid_request'],
  ])('is refused: %#', async (rows, mode, code) => {
    for (const kind of ['students', 'staff']) {
      const call = refusedAs(db, group.admin, `import_${kind}($1::jsonb, $2, $3)`, [
        rows,
        mode,
        group.school,
      ]);
      expect((await call).code).toBe(code);
    }
  });

  it('is for a school of one’s own that is open', async () => {
    const foreign = await createTenant(db);
    const archived = await idOf(
      db,
      `insert into schools (school_group_id, name, status) values ($1, 'Fermée', 'archived') returning id`,
      [group.id],
    );
    for (const school of [foreign.school, archived, null, group.id]) {
      for (const mode of ['preview', 'first_that_fit']) {
        const call = refusedAs(db, group.admin, `import_students('[{}]', $1, $2)`, [mode, school]);
        expect((await call).code).toBe('school_not_found');
      }
    }
  });

  it('is for the group’s admin', async () => {
    const call = refusedAs(db, group.staff, `import_staff('[{}]', 'preview', $1)`, [group.school]);
    expect((await call).code).toBe('forbidden');
  });

  it('of 10,000 rows moves the counter once and sends one message', async () => {
    const large = await createTenant(db, await createPlan(db, { students: 20_000 }));
    const rev = await revOf(db, large.id);
    const { rows } = await db.as(large.admin, async (client) => {
      const call = client.query<{ it: Report }>(
        `select import_students($1::jsonb, 'all_or_nothing', $2) as it`,
        [JSON.stringify(pupils(10_000)), large.school],
      );
      expect((await call).rows[0]?.it).toMatchObject({ inserted: 10_000, refused: [] });
      await client.query('reset role');
      return client.query<{ n: string }>(
        `select n_tup_upd as n from pg_stat_xact_user_tables where relname = 'group_states'`,
      );
    });
    expect(rows.map(({ n }) => Number(n))).toEqual([1]);
    expect(await usageOf(db, large.id)).toEqual([1, 10_000, 0, 0]);
    expect(await stateMessages(db, large.id, rev)).toHaveLength(1);
  });

  it('beside others at the limit fills it and never passes it (I1): each says truly what it took', async () => {
    const reports = await Promise.all(
      [1, 2, 3, 4].map((n) => students(pupils(4, n * 100), 'first_that_fit')),
    );
    expect(reports.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(10);
    expect([await usageOf(db, group.id), await drift(db)]).toEqual([[1, 10, 0, 0], []]);
  });

  it('beside others of the same file takes each pupil once', async () => {
    const reports = await Promise.all([1, 2, 3].map(() => students(pupils(3), 'first_that_fit')));
    expect(reports.map(({ inserted }) => inserted).toSorted((a, b) => a - b)).toEqual([0, 0, 3]);
  });
});
