/** Who acts in a storm, and who has which page open. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { randomFrom } from '../chaos/random.ts';
import { createAdmin } from './admin-acts.ts';
import { createSuperAdmin } from './console-acts.ts';
import type { Crew } from './crew.ts';
import { Doors, Eavesdropper } from './doors.ts';
import { Ledger } from './ledger.ts';
import type { MortalProduct } from './product.ts';
import type { Viewer } from './screens.ts';
import { createOperator, createSqlWriter } from './sql-acts.ts';
import { type Account, openClient, signIn, type Stage } from './stage.ts';
import type { Tally } from './tally.ts';

/** Who has which page open: members of several groups, and the platform's own people. */
export function viewersOf({ admins, staff, superAdmin, world }: Stage, count: number): Viewer[] {
  const dashboard = (account: Account): Viewer => ({ account, page: { kind: 'dashboard' } });
  const viewers: Viewer[] = [
    dashboard(admins[0]!),
    { account: superAdmin, page: { kind: 'list', search: 'GROUPE-' } },
    dashboard(staff[0]!),
    dashboard(admins[1]!),
    { account: superAdmin, page: { kind: 'group', group: world.groups[2]! } },
    ...admins.slice(2).map(dashboard),
    ...staff.slice(1).map(dashboard),
  ];
  return Array.from({ length: count }, (_, n) => viewers[n % viewers.length]!);
}

export interface Cast {
  product: MortalProduct;
  stage: Stage;
  superAdmin: SupabaseClient;
  tally: Tally;
  seed: number;
  /** Group admins over REST, and as many sessions of SQL. */
  writers: number;
}

/**
 * Adds everybody who acts to the crew.
 *
 * @returns the ledger, which is to be compared when it is quiet
 */
export async function fillCrew(
  crew: Crew,
  { product, stage, superAdmin, tally, seed, writers }: Cast,
): Promise<Ledger> {
  const { world, groups, ledger: tenant } = stage;
  let serial = seed + 100;
  const chance = (): (() => number) => randomFrom((serial += 1));
  const members = [...stage.admins, ...stage.staff];
  const clients = new Map<string, SupabaseClient>();
  for (const account of members) clients.set(account.id, await signIn(product, account));

  for (let n = 0; n < writers; n += 1) {
    const { id } = stage.admins[n % world.groups.length]!;
    const group = world.groups[n % world.groups.length]!;
    const random = chance();
    crew.add(createAdmin({ client: clients.get(id)!, group, plans: world.plans, random }), random);
    crew.add(createSqlWriter(product, world, random, seed + n), random);
  }
  const [console, operator, keeper, intruder] = [chance(), chance(), chance(), chance()];
  crew.add(createSuperAdmin({ client: superAdmin, world, ledger: tenant.id, random: console }), console);
  crew.add(createOperator(product, world, operator, tally), operator);
  const ledger = new Ledger(clients.get(stage.admins.at(-1)!.id)!, tenant, keeper);
  crew.add(() => ledger.act(), keeper);
  const intruders = [
    ...members.map((account) => ({ account, client: clients.get(account.id)! })),
    { account: null, client: openClient(product) },
  ];
  const doors = new Doors({
    intruders,
    groups,
    plan: stage.plan,
    db: product,
    random: intruder,
    tally,
  });
  crew.add(() => doors.act(), intruder);
  return ledger;
}

/** Opens the ears of a group admin to everything. */
export async function openEavesdropper(
  product: MortalProduct,
  stage: Stage,
  tally: Tally,
): Promise<Eavesdropper> {
  const account = stage.admins[0]!;
  const topics = [...stage.groups.map((id) => `group:${id}`), 'platform'];
  return new Eavesdropper({ account, client: await signIn(product, account) }, topics, tally);
}
