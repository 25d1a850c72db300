/** Who acts in a torture run and on what: groups with small plans, and real accounts that sign in with a password. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { createClient } from '@supabase/supabase-js';
import type { Queryable } from '../helpers/database.ts';
import { createPlan, createTenant, idOf, type Tenant } from '../helpers/tenants.ts';
import { createWorld, type World } from '../helpers/world.ts';

const PASSWORD = 'Torture-epilot-2025';
/** Longest wait for an answer, milliseconds: a request that hangs must not hang the run. */
const ANSWER_LIMIT_MS = 60_000;

/** Where clients of the API find it. */
export interface Address {
  url: string;
  publishableKey: string;
}

export interface Account {
  id: string;
  email: string;
  password: string;
  role: 'super_admin' | 'admin_groupe' | 'personnel';
  /** `null` for a super admin. */
  group: string | null;
}

export interface Stage {
  /** Everything that programs act on: several small worlds as one. */
  world: World;
  /** The group of the ledger: nobody else writes its rows. */
  ledger: Tenant;
  /** All groups of the stage, that of the ledger included. */
  groups: string[];
  /** A plan of the catalogue, which nobody here is on. */
  plan: { slug: string; id: string };
  superAdmin: Account;
  admins: Account[];
  staff: Account[];
}

/** How many worlds of `createWorld` stand side by side. */
const WORLDS = 2;

/** Makes groups, plans and accounts. */
export async function createStage(db: Queryable): Promise<Stage> {
  const worlds: World[] = [];
  for (let n = 0; n < WORLDS; n += 1) worlds.push(await createWorld(db));
  const world: World = {
    groups: worlds.flatMap(({ groups }) => groups),
    admins: worlds.flatMap(({ admins }) => admins),
    superAdmin: worlds[0]!.superAdmin,
    plans: worlds.flatMap(({ plans }) => plans),
    modules: worlds.flatMap(({ modules }) => modules),
    moduleSlugs: worlds.flatMap(({ moduleSlugs }) => moduleSlugs),
    categories: worlds.flatMap(({ categories }) => categories),
  };
  const ledger = await createTenant(db, await createPlan(db, { schools: 2, students: 30, staff: 2 }));
  const groups = [...world.groups, ledger.id];
  // Of no school: with one that moves to another group, its staff would go there, too.
  await db.query('update public.profiles set school_id = null where school_group_id = any ($1)', [groups]);
  const accounts = await openAccounts(db, [world.superAdmin], groups);
  const slug = 'pro';
  return {
    world,
    ledger,
    groups,
    plan: { slug, id: await idOf(db, 'select id from public.subscription_plans where slug = $1', [slug]) },
    superAdmin: accounts.find(({ role }) => role === 'super_admin')!,
    admins: groups.map((id) => accounts.find(({ role, group }) => role === 'admin_groupe' && group === id)!),
    staff: groups.map((id) => accounts.find(({ role, group }) => role === 'personnel' && group === id)!),
  };
}

/** Gives the accounts of the groups, and those of `ids`, a password to sign in with. */
export async function openAccounts(db: Queryable, ids: string[], groups: string[]): Promise<Account[]> {
  const { rows } = await db.query<Account>(
    `with opened as (
       update auth.users u set aud = 'authenticated', role = 'authenticated', email_confirmed_at = now(),
         encrypted_password = extensions.crypt($3, extensions.gen_salt('bf', 4)),
         raw_app_meta_data = '{"provider": "email", "providers": ["email"]}', raw_user_meta_data = '{}',
         confirmation_token = '', recovery_token = '', email_change_token_new = '', email_change = ''
       from public.profiles p
       where p.id = u.id and (p.id = any ($1) or p.school_group_id = any ($2))
       returning u.id, u.email, p.role, p.school_group_id
     ), identified as (
       insert into auth.identities (id, provider, provider_id, user_id, identity_data, last_sign_in_at, created_at, updated_at)
       select id, 'email', id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true), now(), now(), now()
       from opened
     )
     select id, email, $3 as password, role, school_group_id as "group" from opened`,
    [ids, groups, PASSWORD],
  );
  return rows;
}

/** A client of the API without a session; what it asks, it asks once. */
export function openClient({ url, publishableKey }: Address): SupabaseClient {
  return createClient(url, publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    db: { retry: false },
    global: {
      fetch: (input, init) => {
        const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
        return fetch(input, {
          ...init,
          signal: init?.signal ? AbortSignal.any([init.signal, limit]) : limit,
        });
      },
    },
  });
}

/** A client that is signed in. @throws Error when the server does not let the account in */
export async function signIn(address: Address, { email, password }: Account): Promise<SupabaseClient> {
  const client = openClient(address);
  const { error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw new Error(`Sign-in of ${email}: ${error.message}`, { cause: error });
  await client.realtime.setAuth();
  return client;
}
