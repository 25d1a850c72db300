/** What a state message costs on the wire: from the commit through the log and the gateway to a screen's socket. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import {
  RawClient,
  signToken,
  startTestGateway,
  Stream,
  type TestGateway,
  VERSIONS,
} from '../tests/helpers/gateway.ts';
import { inTransaction, openSessions, type Session } from '../tests/helpers/sessions.ts';
import { entitlementsMessageShape } from '../tests/helpers/shapes.ts';
import { createTenant, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let session: Session;
let server: TestGateway;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  // Replication sends what is flushed.
  await db.query(`alter database ${db.name} set synchronous_commit = on`);
  [session] = (await openSessions(db, 1)) as [Session];
  group = await createTenant(db, 'pro');
  server = await startTestGateway(db);
});
afterAll(async () => {
  await server.stop();
  await db.drop();
});

/** A large group after a restore, late with its payment: exceptions of every kind, a change to come. */
async function makeStateLarge(): Promise<void> {
  await inTransaction(session, async (client) => {
    await client.query('update private.platform set epoch = 9000000 where one');
    await client.query(
      `update private.group_states set rev = 999000, used = '{99,9999,999,499999999999}' where school_group_id = $1`,
      [group.id],
    );
    await client.query(
      `insert into public.entitlement_overrides (school_group_id, kind, resource, amount, module_id, reason)
       select $1::uuid, 'limit', r.resource, r.amount, null::uuid, 'Accord écrit'
       from (values ('schools'::public.resource, 100), ('students', 10000), ('staff', 1000), ('storage', 500000000000))
         as r (resource, amount)
       union all
       select $1, 'module_removal', null, null, (select id from public.modules where not is_core limit 1), 'Accord écrit'`,
      [group.id],
    );
    await client.query(
      `insert into public.scheduled_changes (school_group_id, plan_id, effective_at, reason)
       select $1, id, now() + interval '9 days', 'Rentrée' from public.subscription_plans where slug = 'institutionnel'`,
      [group.id],
    );
    await client.query(
      `update public.subscriptions set status = 'past_due', past_due_until = now() + interval '5 days'
       where school_group_id = $1`,
      [group.id],
    );
  });
}

test('the largest state message of a group costs at most 300 bytes, and none of them a blank', async () => {
  const { sub } = group.admin as { sub: string };
  const access_token = await signToken({ sub });
  const wires = await Promise.all(
    VERSIONS.map(async (version) => {
      const client = await RawClient.open(server.url, undefined, { version });
      const texts = new Stream<string>();
      client.socket.on('message', (data: Buffer) => texts.push(data.toString()));
      const reply = await client.join(`realtime:group:${group.id}`, {
        access_token,
        config: { private: true },
      });
      expect(reply.status).toBe('ok');
      return texts;
    }),
  );
  await makeStateLarge();
  for (const wire of wires) {
    const text = await wire.next((each) => each.includes('"pending"'));
    const [json] = /\{[^{}]*"limits"[^{}]*\}/.exec(text) ?? [''];
    const payload: unknown = JSON.parse(json);
    expect(json).toBe(JSON.stringify(payload));
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(300);
    const { pending, ...message } = entitlementsMessageShape.parse(payload);
    expect(pending?.[0]).toBe('institutionnel');
    expect(message).toMatchObject({
      e: 9_000_000,
      own: true,
      status: 'past_due',
      usage: [99, 9_999, 999, 499_999_999_999],
      limits: [100, 10_000, 1_000, 500_000_000_000],
      next_at: expect.any(Number) as number,
    });
  }
});
