/** Rights that are lost act at once: in REST, in storage with its signed addresses, and in open channels. */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Account, PASSWORD, createSignIn } from '../../tests/helpers/accounts.ts';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type Subscription, joined, subscribe } from '../../tests/helpers/gateway.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { createTenant, setPlan, type Tenant } from '../../tests/helpers/tenants.ts';

let server: TestServer;
let tenant: Tenant;
let account: Account;
let client: SupabaseClient;
let elsewhere: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer({ seeds: false });
});
afterAll(() => server.stop());
beforeEach(async () => {
  tenant = await createTenant(server.database);
  account = await createSignIn(server.database, { role: 'admin_groupe', group: tenant.id });
  client = await signIn();
  elsewhere = await signIn();
});

async function signIn(): Promise<SupabaseClient> {
  const signedIn = createApiClient(server);
  const { error } = await signedIn.auth.signInWithPassword({ email: account.email, password: PASSWORD });
  expect(error).toBeNull();
  return signedIn;
}

/** A stored file, and an address to read it by that the client signed. */
async function signedAddress(): Promise<string> {
  const { data } = await client
    .from('documents')
    .insert({
      id: randomUUID(),
      school_group_id: tenant.id,
      school_id: tenant.school,
      name: 'Bulletin',
      size_bytes: 9,
    })
    .select('id, storage_path')
    .single();
  const { id, storage_path: path } = data as unknown as { id: string; storage_path: string };
  const bucket = client.storage.from('documents');
  expect((await bucket.upload(path, new Blob(['neuf mots']))).error).toBeNull();
  expect((await client.rpc('confirm_document', { p_document_id: id })).error).toBeNull();
  return (await bucket.createSignedUrl(path, 3_600)).data?.signedUrl ?? '';
}

const LOSSES: [string, () => Promise<unknown>][] = [
  [
    'a disabled account',
    () => server.database.query(`update public.profiles set status = 'disabled' where id = $1`, [account.id]),
  ],
  [
    'an archived group',
    () =>
      server.database.query(`update public.school_groups set status = 'archived' where id = $1`, [tenant.id]),
  ],
  ['a sign-out everywhere', () => elsewhere.auth.signOut({ scope: 'global' })],
  ['a sign-out of the others', () => elsewhere.auth.signOut({ scope: 'others' })],
  [
    'a session ended from elsewhere',
    async () => {
      const { data } = await client.rpc('my_sessions');
      const own = (data as { id: string; current: boolean }[]).find(({ current }) => current);
      expect(await elsewhere.rpc('end_session', { p_session_id: own?.id })).toMatchObject({ data: true });
    },
  ],
];

describe.each(LOSSES)('%s', (_what, lose) => {
  it('reads and writes nothing any more', async () => {
    expect((await client.from('schools').select('id')).data).toHaveLength(1);
    await lose();
    expect((await client.from('schools').select('id')).data ?? []).toEqual([]);
    expect(
      (await client.from('schools').insert({ school_group_id: tenant.id, name: 'Autre' })).error,
    ).not.toBeNull();
    expect((await client.rpc('get_entitlements')).error).not.toBeNull();
  });

  it('takes its signed addresses with it', async () => {
    const address = await signedAddress();
    expect(await (await fetch(address)).text()).toBe('neuf mots');
    await lose();
    expect((await fetch(address)).status).toBe(400);
  });
});

describe.each(LOSSES)('the open channels of %s', (_what, lose) => {
  it('close at once, and are not joined again; those of others stay', async () => {
    const colleague = await createSignIn(server.database, { role: 'admin_groupe', group: tenant.id });
    const other = createApiClient(server);
    await other.auth.signInWithPassword({ email: colleague.email, password: PASSWORD });
    const topic = `group:${tenant.id}`;
    const [mine, theirs] = [await joinedAs(client, topic), await joinedAs(other, topic)];
    await lose();
    await mine.statuses.next(({ status }) => status === 'CLOSED');
    const again = subscribe(client, topic, { private: true });
    await again.statuses.next(({ status }) => status === 'CHANNEL_ERROR');
    const { rows } = await server.database.query<{ status: string }>(
      'select status from public.school_groups where id = $1',
      [tenant.id],
    );
    if (rows[0]?.status === 'active') {
      await setPlan(server.database, tenant.id, 'pro');
      await theirs.messages.next();
      expect(theirs.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
    }
    expect(mine.messages.all).toEqual([]);
    await Promise.all([client.removeAllChannels(), other.removeAllChannels()]);
  });
});

async function joinedAs(on: SupabaseClient, topic: string): Promise<Subscription> {
  await on.realtime.setAuth();
  return joined(on, topic, { private: true });
}

describe('a sign-out here', () => {
  it('leaves the other sessions as they are', async () => {
    await client.auth.signOut({ scope: 'local' });
    expect((await elsewhere.from('schools').select('id')).data).toHaveLength(1);
    expect((await elsewhere.auth.getUser()).data.user?.id).toBe(account.id);
  });
});

describe('an ended session', () => {
  it('is refused by REST with 401, so that clients refresh, and then sign out', async () => {
    await elsewhere.auth.signOut({ scope: 'others' });
    await vi.waitFor(async () => expect((await client.from('schools').select('id')).status).toBe(401));
    expect((await client.auth.refreshSession()).error?.code).toBe('refresh_token_not_found');
  });
});
