/** The checker is honest: fed an implementation that leaks, it names the invariant that is broken, and no other. */
import { afterEach, describe, expect, test } from 'vitest';
import { randomFrom } from '../chaos/random.ts';
import { createTestDatabase, type Queryable } from '../helpers/database.ts';
import { ANSWERS } from '../helpers/programs.ts';
import { startTestServer } from '../helpers/server.ts';
import { add, setPlan } from '../helpers/tenants.ts';
import { Checker } from './checker.ts';
import { Doors } from './doors.ts';
import { Ledger } from './ledger.ts';
import { isSound } from './report.ts';
import { missingOf } from './run.ts';
import { ScreenRecord } from './screen-record.ts';
import { Screens } from './screens.ts';
import { createStage, openClient, signIn, type Stage } from './stage.ts';
import { CHECKS, type Check, type Invariant, Tally } from './tally.ts';

/** What a test opened is closed after it, also when it failed. */
let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

/** Two groups grow, beyond their limit if they are let, shrink, change their plan, and one is suspended. */
async function act(db: Queryable, { world }: Stage): Promise<void> {
  const schoolOf = async (group: string): Promise<string> =>
    (await db.query<{ id: string }>('select id from public.schools where school_group_id = $1', [group]))
      .rows[0]!.id;
  for (const id of world.groups.slice(0, 2)) {
    const tenant = { id, school: await schoolOf(id) };
    const acts = [
      () => add(db, tenant, 'students', 3),
      () => add(db, tenant, 'students', 20),
      () =>
        db.query(
          `delete from public.students where id = (select id from public.students where school_group_id = $1 limit 1)`,
          [id],
        ),
      () => add(db, tenant, 'staff', 1),
      () => setPlan(db, id, world.plans[2]!),
      () => add(db, tenant, 'students', 1),
    ];
    for (const each of acts) {
      await each().catch((error: { code?: string }) => {
        if (!ANSWERS.has(error.code ?? '')) throw error;
      });
    }
  }
  await db.query(
    `update public.subscriptions set status = case status when 'active' then 'suspended' else 'active' end::public.subscription_status
     where school_group_id = $1`,
    [world.groups[0]],
  );
}

const NOT_TOLD = `
  alter function realtime.send(jsonb, text, text, boolean) rename to send_honestly;
  create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void language plpgsql as $$
  begin
    if event = 'usage_changed' and (payload->>'rev')::int % 2 = 0 then return; end if;
    perform realtime.send_honestly(payload, event, topic, private);
  end $$`;

describe('fed a database that', () => {
  const leaks: [name: string, leak: string, broken: Invariant[]][] = [
    ['leaks nothing', 'select', []],
    [
      'lets usage grow past the limit',
      `create or replace function private.refuse_growth(p_decision jsonb) returns void language sql as 'select'`,
      ['I1'],
    ],
    [
      'leaves the rights of its plan to a group that is suspended',
      `do $$ begin
         execute 'create or replace view private.effective_entitlements with (security_invoker = true) as ' || replace(
           pg_get_viewdef('private.effective_entitlements'::regclass), $v$'subscription_suspended'::text$v$, 'null::text');
       end $$`,
      ['I1'],
    ],
    ['does not count what is deleted', 'alter table public.students disable trigger count_delete', ['I2']],
    ['withholds a message', NOT_TOLD, ['I4']],
    [
      'skips a revision',
      `create function private.skip() returns trigger language plpgsql as $$
       begin new.rev := new.rev + 1; return new; end $$;
       create trigger skip before update on private.group_states for each row
         when (new.rev <> old.rev) execute function private.skip()`,
      ['I4'],
    ],
    [
      'tells a revision twice',
      `create function private.repeat() returns trigger language plpgsql as $$
       begin perform realtime.send(new.payload || '{"again": true}', new.event, new.topic); return null; end $$;
       create trigger repeat after insert on realtime.messages for each row
         when (new.event = 'usage_changed' and not new.payload ? 'again') execute function private.repeat()`,
      ['I4'],
    ],
  ];

  test.each(leaks)('%s', async (_name, leak, broken) => {
    const db = await createTestDatabase();
    stack.defer(() => db.drop());
    const stage = await createStage(db);
    await db.query(leak);
    const tally = new Tally();
    const checker = new Checker(db, stage.groups, tally);
    await act(db, stage);
    await checker.look();
    await checker.readHistory([]);
    await act(db, stage);
    await checker.look();
    await checker.readHistory([]);

    expect(tally.broken()).toEqual(broken);
    const looked = new Set<Check>(['growth', 'fallen', 'recount', 'one', 'past', 'told', 'state']);
    expect(tally.unmade().filter((check) => looked.has(check))).toEqual([]);
  });

  test('rewrites the past', async () => {
    const db = await createTestDatabase();
    stack.defer(() => db.drop());
    const stage = await createStage(db);
    const tally = new Tally();
    const checker = new Checker(db, stage.groups, tally);
    await act(db, stage);
    await checker.readHistory([]);
    await db.query(
      `alter table public.subscription_events disable trigger append_only;
       update public.subscription_events set reason = 'Une autre histoire' where kind = 'plan_changed'`,
    );
    await checker.readHistory([]);
    expect(tally.broken()).toEqual(['I3']);
  });

  test('hands a message to a topic that it was not sent to', async () => {
    const db = await createTestDatabase();
    stack.defer(() => db.drop());
    const stage = await createStage(db);
    const { rows } = await db.query<{ topic: string; id: string }>(
      `select topic, payload->>'id' as id from realtime.messages where topic = 'group:' || $1::text limit 1`,
      [stage.groups[0]],
    );
    const sent = { ...rows[0]!, rev: 1 };
    for (const [topic, broken] of [
      [sent.topic, []],
      [`group:${stage.groups[1]}`, ['I6']],
    ] as const) {
      const tally = new Tally();
      await new Checker(db, stage.groups, tally).readHistory([{ ...sent, topic }]);
      expect(tally.broken()).toEqual(broken);
    }
  });
});

describe('fed a server whose database', () => {
  /** Enough tries for every door to be tried by somebody. */
  const TRIES = 160;
  const leaks: [name: string, leak: string, checks: Check[]][] = [
    ['opens no door', 'select', []],
    [
      'lets everybody listen to every topic',
      'create policy leak on realtime.messages for select to authenticated using (true)',
      ['topics'],
    ],
    [
      'shows everybody’s pupils to everybody',
      'create policy leak on public.students for select to authenticated using (true)',
      ['rows'],
    ],
    [
      'takes everybody for a member of every group',
      `create or replace function private.resolve_group(p_school_group_id uuid) returns uuid language sql stable as 'select $1'`,
      ['functions'],
    ],
    [
      'takes everybody for a super admin',
      `create or replace function private.is_super_admin() returns boolean language sql stable as 'select true'`,
      ['files', 'rows', 'functions', 'topics', 'acts'],
    ],
  ];

  test.each(leaks)('%s', async (_name, leak, violated) => {
    const { server, stage, tally } = await serve();
    const random = randomFrom(7);
    const members = [stage.admins[0]!, stage.admins[1]!, stage.staff[2]!];
    const intruders = [{ account: null, client: openClient(server) }];
    const accounts = await Promise.all(
      members.map(async (account) => ({ account, client: await signIn(server, account) })),
    );
    const doors = new Doors({
      intruders: [...accounts, ...intruders],
      groups: stage.groups,
      plan: stage.plan,
      db: server.database,
      random,
      tally,
    });
    await act(server.database, stage);
    await storeDocuments(stage, server);
    await server.database.query(leak);
    for (let n = 0; n < TRIES; n += 1) await doors.act();
    for (const { client } of accounts) await client.removeAllChannels();
    expect(tally.violated().toSorted()).toEqual(violated.toSorted());
    expect(tally.broken()).toEqual(violated.length > 0 ? ['I6'] : []);
    const tried = new Set<Check>(['rows', 'files', 'functions', 'topics', 'acts']);
    expect(tally.unmade().filter((check) => tried.has(check))).toEqual([]);
  });

  test('swallows rows that the API says are written', async () => {
    const { server, stage, tally } = await serve();
    const client = await signIn(server, stage.admins.at(-1)!);
    const ledger = new Ledger(client, stage.ledger, randomFrom(7));
    for (let n = 0; n < 10; n += 1) await ledger.act();
    await ledger.compare(server.database, tally);
    expect(tally.broken()).toEqual([]);
    await server.database.query(
      `create function private.swallow() returns trigger language plpgsql as 'begin return null; end';
       create trigger swallow before insert on public.students for each row execute function private.swallow()`,
    );
    for (let n = 0; n < 10; n += 1) await ledger.act();
    await ledger.compare(server.database, tally);
    expect(tally.violated()).toEqual(['kept']);
  });
});

describe('fed a screen that', () => {
  test('is told something else than what is in the rows', async () => {
    const { server, stage, tally } = await serve();
    await server.database.query(
      `alter function public.get_entitlements(uuid) rename to get_true_entitlements;
       create function public.get_entitlements(p_school_group_id uuid default null) returns jsonb language sql as
         $$ select public.get_true_entitlements(p_school_group_id) || '{"plan_name": "Un autre"}' $$;
       notify pgrst`,
    );
    const screens = await open(server.url, stage, tally);
    while ((await screens.look()).some(({ kind }) => kind === 'nothing'));
    await screens.right(server.database, Date.now(), 0);
    expect(tally.violated()).toEqual(['right']);
    expect(tally.rows.right.examples.join()).toContain('plan_name is "Un autre"');
  });

  test('misses a message that was withheld, and is right again', async () => {
    const { server, stage, tally } = await serve();
    const screens = await open(server.url, stage, tally);
    await screens.right(server.database, Date.now());
    await act(server.database, stage);
    await screens.right(server.database, Date.now());
    expect(tally.broken()).toEqual([]);
    await server.database.query(NOT_TOLD);
    await act(server.database, stage);
    await screens.right(server.database, Date.now());
    expect(tally.violated()).toEqual(['heard']);
  });

  test('shows an older revision after a newer one', () => {
    const record = new ScreenRecord();
    for (const rev of [1, 2, 2, 4, 3]) record.shows('a', rev);
    expect(record.tell().notes).toEqual([
      { check: 'forward', made: 4, wrong: ['revision 3 of a was shown after 4'] },
    ]);
  });
});

test('a run in which a check was never made, or an act never done, is not sound', () => {
  const tally = new Tally();
  const outages = { backend: [], postmaster: [], server: [] };
  const report = { tally, outages, recovery: [], served: 0, siege: null };
  expect(missingOf(tally)).toEqual(
    expect.arrayContaining([...Object.keys(CHECKS), 'postmaster', 'document']),
  );
  expect(isSound({ ...report, missing: missingOf(tally) })).toBe(false);
  expect(isSound({ ...report, missing: [] })).toBe(true);
  tally.note('growth', 1, ['grew']);
  expect(isSound({ ...report, missing: [] })).toBe(false);
});

async function serve() {
  const server = await startTestServer({ seeds: false });
  stack.defer(() => server.stop());
  return { server, stage: await createStage(server.database), tally: new Tally() };
}

async function open(url: string, stage: Stage, tally: Tally): Promise<Screens> {
  const viewer = { account: stage.admins[1]!, page: { kind: 'dashboard' as const } };
  const screens = await Screens.open(url, [viewer], stage.groups, tally);
  stack.defer(() => screens.close());
  return screens;
}

/** A file of each group, to be tried for. */
async function storeDocuments(
  { admins }: Stage,
  server: { url: string; publishableKey: string },
): Promise<void> {
  for (const account of admins.slice(0, 3)) {
    const client = await signIn(server, account);
    const { data } = await client
      .from('documents')
      .insert({ school_group_id: account.group, name: 'Pièce', size_bytes: 10 })
      .select('id, storage_path')
      .single<{ id: string; storage_path: string }>();
    await client.storage.from('documents').upload(data!.storage_path, new Blob(['x']));
    await client.rpc('confirm_document', { p_document_id: data!.id });
  }
}
