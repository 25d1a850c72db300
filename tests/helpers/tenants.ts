/** School groups, plans and accounts for database tests. Each test makes its own, so tests share a database in peace. */
import { randomUUID } from 'node:crypto';
import type { Resource } from '../../src/core/entitlements.ts';
import type { Actor, Queryable } from './database.ts';

export interface Tenant {
  id: string;
  name: string;
  /** Its first school; its own id is known, its count is 1. */
  school: string;
  admin: Actor;
  /** School staff (`personnel`) of that school. */
  staff: Actor;
}

export interface PlanLimits {
  schools?: number | null;
  students?: number | null;
  staff?: number | null;
  /** In Go, as in the plan's own row. */
  storage?: number | null;
  warnAt?: number;
}

let serial = 0;
const unique = (prefix: string): string => `${prefix}-${process.pid}-${++serial}`;

/** Publishes a plan of its own; what is not given is unlimited. Returns its slug. */
export async function createPlan(db: Queryable, limits: PlanLimits = {}): Promise<string> {
  const slug = unique('plan');
  const { schools = null, students = null, staff = null, storage = null, warnAt = 0.8 } = limits;
  await db.query(
    `insert into public.subscription_plans
       (slug, name, rank, price_xaf, max_schools, max_students, max_staff, max_storage, warn_at)
     values ($1::text, $1, 9, 0, $2, $3, $4, $5, $6)`,
    [slug, schools, students, staff, storage, warnAt],
  );
  return slug;
}

/** Creates a group on the given plan with one school, its admin and one member of staff. */
export async function createTenant(db: Queryable, plan = 'premium'): Promise<Tenant> {
  const name = unique('GROUPE');
  const id = await idOf(db, `insert into public.school_groups (name) values ($1) returning id`, [name]);
  await setPlan(db, id, plan);
  const school = await idOf(
    db,
    `insert into public.schools (school_group_id, name) values ($1, 'École mère') returning id`,
    [id],
  );
  const admin = await createAccount(db, { role: 'admin_groupe', group: id });
  const staff = await createAccount(db, { role: 'personnel', group: id, school });
  return { id, name, school, admin, staff };
}

/** Creates an account and its profile; without a role, an account that nobody gave a profile. */
export async function createAccount(
  db: Queryable,
  profile: {
    role?: 'super_admin' | 'admin_groupe' | 'personnel';
    group?: string;
    school?: string;
    status?: 'active' | 'disabled';
  },
): Promise<Required<Pick<Actor, 'sub'>>> {
  const sub = randomUUID();
  await db.query(`insert into auth.users (id, email) values ($1, $2)`, [sub, `${sub}@example.test`]);
  if (profile.role) {
    await db.query(
      `insert into public.profiles (id, role, school_group_id, school_id, first_name, status)
       values ($1, $2, $3, $4, 'Essai', $5)`,
      [sub, profile.role, profile.group ?? null, profile.school ?? null, profile.status ?? 'active'],
    );
  }
  return { sub };
}

/** The seed's way of changing a plan: a plain update, as the operator. */
export async function setPlan(db: Queryable, group: string, plan: string): Promise<void> {
  await db.query(
    `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2)
     where school_group_id = $1`,
    [group, plan],
  );
}

/** Adds rows that count: schools, students or staff by number, documents of 1 byte each. */
export async function add(
  on: Queryable,
  tenant: Pick<Tenant, 'id' | 'school'>,
  resource: Resource,
  count = 1,
): Promise<void> {
  const parameters = resource === 'schools' ? [tenant.id, count] : [tenant.id, count, tenant.school];
  await on.query(INSERTS[resource], parameters);
}

const INSERTS: Record<Resource, string> = {
  schools: `insert into public.schools (school_group_id, name) select $1, 'École ' || i from generate_series(1, $2::int) i`,
  students: `insert into public.students (school_group_id, school_id, first_name, last_name)
    select $1, $3, 'Élève', 'n° ' || i from generate_series(1, $2::int) i`,
  staff: `insert into public.staff (school_group_id, school_id, first_name, last_name)
    select $1, $3, 'Agent', 'n° ' || i from generate_series(1, $2::int) i`,
  storage: `insert into public.documents (school_group_id, school_id, name, size_bytes)
    select $1, $3, 'Pièce ' || i, 1 from generate_series(1, $2::int) i`,
};

/** The group's counters in the order of the resources. */
export async function usageOf(db: Queryable, group: string): Promise<number[]> {
  const { rows } = await db.query<{ used: string }>(
    `select used from public.usage_counters where school_group_id = $1 order by resource`,
    [group],
  );
  return rows.map(({ used }) => Number(used));
}

/** The group's present revision. */
export async function revOf(db: Queryable, group: string): Promise<number> {
  const { rows } = await db.query<{ rev: string }>(
    `select rev from private.group_states where school_group_id = $1`,
    [group],
  );
  return Number(rows[0]?.rev);
}

/** Counters that differ from a recount of their rows; the empty list is invariant I2. */
export async function drift(db: Queryable): Promise<unknown[]> {
  const { rows } = await db.query(
    `select * from public.usage_counters c full join private.recount_usage() r using (school_group_id, resource)
     where c.used is distinct from r.used`,
  );
  return rows;
}

/** Runs one insert and returns the id it returns. */
export async function idOf(db: Queryable, sql: string, parameters: unknown[] = []): Promise<string> {
  const { rows } = await db.query<{ id: string }>(sql, parameters);
  const id = rows[0]?.id;
  if (id === undefined) throw new Error(`Nothing was returned by: ${sql}`);
  return id;
}
