/** Who is in a siege: groups of honest clients, and groups whose admins mean harm. Nobody else writes their rows. */
import type { Pupil, Target } from './hostile/attack.ts';
import type { Queryable } from '../helpers/database.ts';
import { add, createPlan, createTenant, type Tenant } from '../helpers/tenants.ts';
import { type Account, type Address, openAccounts, signIn } from './stage.ts';

export interface SiegeStage {
  honest: Member[];
  hostile: Member[];
}

/** A group and its admin, who can sign in. */
export interface Member {
  tenant: Tenant;
  account: Account;
}

const HOSTILE_GROUPS = 2;
/** So many pupils that a table within a table within itself is a hundred megabytes. */
const HOSTILE_STUDENTS = 400;
export const HONEST_STUDENTS = 30;
/** Long, and of an odd length: see `hostile/attacks/filters.ts`. */
const LONG_NAME = 'a'.repeat(79);

/** Makes groups and accounts. */
export async function createSiegeStage(db: Queryable, honest: number): Promise<SiegeStage> {
  const spacious = await createPlan(db, { schools: 5, students: 1_000, staff: 50 });
  const full = await createPlan(db, { schools: 1, students: HOSTILE_STUDENTS, staff: 1 });
  const open = async (plan: string, students: number): Promise<Member> => {
    const tenant = await createTenant(db, plan);
    await add(db, tenant, 'students', students);
    const accounts = await openAccounts(db, [], [tenant.id]);
    return { tenant, account: accounts.find(({ role }) => role === 'admin_groupe') as Account };
  };
  const stage: SiegeStage = { honest: [], hostile: [] };
  for (let n = 0; n < honest; n += 1) stage.honest.push(await open(spacious, HONEST_STUDENTS));
  for (let n = 0; n < HOSTILE_GROUPS; n += 1) stage.hostile.push(await open(full, HOSTILE_STUDENTS));
  await db.query('update public.students set first_name = $2 where school_group_id = any ($1)', [
    stage.hostile.map(({ tenant }) => tenant.id),
    LONG_NAME,
  ]);
  return stage;
}

/**
 * What the hostile crew is given: it has signed in, and knows who is honest and where they are about to upload to.
 *
 * @param ownersPaths paths that honest clients have reserved
 */
export async function targetOf(
  address: Address,
  { honest, hostile }: SiegeStage,
  ownersPaths: readonly string[],
): Promise<Target> {
  const pupils: Pupil[] = [];
  for (const { tenant, account } of hostile) {
    const { data } = await (await signIn(address, account)).auth.getSession();
    pupils.push({ token: data.session?.access_token ?? '', group: tenant.id, school: tenant.school });
  }
  const { url, publishableKey } = address;
  return { url, publishableKey, pupils, ownersPaths, emails: honest.map(({ account }) => account.email) };
}
