/** Somebody who tries every door to another group: tables, functions, acts, files, topics. Nothing may open. */
import { randomUUID } from 'node:crypto';
import { REALTIME_SUBSCRIBE_STATES, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js';
import type { Queryable } from '../helpers/database.ts';
import { type Answer, isAway } from './answers.ts';
import { createDeck, pick } from './chance.ts';
import { type Outcome, outcomeOfError } from './crew.ts';
import type { Account } from './stage.ts';
import type { Check, Tally } from './tally.ts';

export interface Intruder {
  client: SupabaseClient;
  /** `null` for somebody who has not signed in. */
  account: Account | null;
}

export interface DoorsOptions {
  intruders: readonly Intruder[];
  groups: readonly string[];
  /** A plan to change to: its slug and its id. */
  plan: { slug: string; id: string };
  /** Tells which files there are to try for. */
  db: Queryable;
  random: () => number;
  tally: Tally;
}

/** What one try found; `null` when nobody was there to answer. */
type Found = string[] | null;
type Try = (intruder: Intruder, other: string) => Promise<Found>;

/** Tables and views with the column that says whose a row is. */
const TABLES = {
  school_groups: 'id',
  schools: 'school_group_id',
  students: 'school_group_id',
  staff: 'school_group_id',
  documents: 'school_group_id',
  profiles: 'school_group_id',
  subscriptions: 'school_group_id',
  subscription_events: 'school_group_id',
  scheduled_changes: 'school_group_id',
  entitlement_overrides: 'school_group_id',
  usage_counters: 'school_group_id',
  usage_daily: 'school_group_id',
  school_group_usage: 'school_group_id',
  school_group_notes: 'school_group_id',
  plan_change_requests: 'school_group_id',
  notices: 'school_group_id',
  notifications: 'school_group_id',
  refusals: 'school_group_id',
  audit_log: 'school_group_id',
} as const;

/** Functions that take a group, with their other arguments. */
const FUNCTIONS: Record<string, object> = {
  get_entitlements: {},
  get_all_plan_restrictions: {},
  check_plan_restrictions: { p_restriction_type: 'students' },
  can_access_module: { p_module: 'notes' },
  can_access_category: { p_category: 'scolarite' },
  preview_plan_change: { p_plan_slug: 'pro' },
  get_usage_history: {},
  get_school_group: {},
};

/** How long an intruder waits for the answer to a join, milliseconds. */
const JOIN_LIMIT_MS = 15_000;

export class Doors {
  readonly #options: DoorsOptions;
  readonly #deal: () => [Check, Try];
  readonly #dealTable: () => keyof typeof TABLES;
  readonly #dealFunction: () => string;
  readonly #dealAct: () => (client: SupabaseClient, other: string) => PromiseLike<Answer & { data: unknown }>;

  constructor(options: DoorsOptions) {
    this.#options = options;
    const { random, plan } = options;
    this.#deal = createDeck<[Check, Try]>(
      [
        ['rows', (intruder, other) => this.#read(intruder, other)],
        ['functions', (intruder, other) => this.#ask(intruder, other)],
        ['files', (intruder, other) => this.#download(intruder, other)],
        ['acts', (intruder, other) => this.#act(intruder, other)],
        ['topics', (intruder, other) => join(intruder, random() < 0.8 ? `group:${other}` : 'platform')],
      ],
      random,
    );
    this.#dealTable = createDeck(Object.keys(TABLES) as (keyof typeof TABLES)[], random);
    this.#dealFunction = createDeck(Object.keys(FUNCTIONS), random);
    this.#dealAct = createDeck(actsOn(plan), random);
  }

  /** Tries one door. */
  async act(): Promise<Outcome> {
    const { intruders, groups, random, tally } = this.#options;
    const intruder = pick(intruders, random);
    const other = pick(
      groups.filter((id) => id !== intruder.account?.group),
      random,
    );
    const [check, attempt] = this.#deal();
    const found = await attempt(intruder, other).catch((error: unknown) => {
      if (outcomeOfError('', error).answer === 'away') return null;
      throw error;
    });
    if (found) {
      const { account } = intruder;
      const who = account ? `the ${account.role} of ${account.group}` : 'nobody';
      tally.note(
        check,
        1,
        found.map((what) => `${who}: ${what}`),
      );
    }
    return { door: 'intruder', act: `tried ${check}`, answer: found ? 'refused' : 'away' };
  }

  async #read({ client, account }: Intruder, other: string): Promise<Found> {
    const table = this.#dealTable();
    const column = TABLES[table];
    const asked = client.from(table).select('*').limit(500);
    const answer = await (this.#options.random() < 0.5 ? asked.eq(column, other) : asked);
    if (answer.error) return answer.status >= 500 || isAway(answer) ? null : [];
    const own = account?.group ?? null;
    const foreign = (answer.data as Record<string, unknown>[]).filter((row) => row[column] !== own);
    return foreign.length > 0
      ? [`${foreign.length} rows of ${table}, such as ${JSON.stringify(foreign[0])}`]
      : [];
  }

  async #ask({ client }: Intruder, other: string): Promise<Found> {
    const name = this.#dealFunction();
    const answer = await client.rpc(name, { p_school_group_id: other, ...FUNCTIONS[name] });
    if (answer.error) return answer.status >= 500 || isAway(answer) ? null : [];
    return [`${name}() of ${other} answers ${JSON.stringify(answer.data)}`];
  }

  async #download({ client }: Intruder, other: string): Promise<Found> {
    // Those of no school: a school may move to another group meanwhile, and take its documents along.
    const { rows } = await this.#options.db.query<{ path: string }>(
      `select storage_path as path from public.documents
       where school_group_id = $1 and school_id is null and status = 'stored' limit 1`,
      [other],
    );
    const path = rows[0]?.path;
    if (path === undefined) return null;
    const { data, error } = await client.storage.from('documents').download(path);
    if (data) return [`the file ${path}`];
    const { status = 0 } = error as { status?: number };
    return status === 0 || status >= 500 ? null : [];
  }

  async #act({ client }: Intruder, other: string): Promise<Found> {
    const answer = await this.#dealAct()(client, other);
    if (answer.error) return answer.status >= 500 || isAway(answer) ? null : [];
    // A write that row-level security lets see nothing changes nothing, and says so.
    const done = Array.isArray(answer.data) ? answer.data.length > 0 : answer.data !== null;
    return done ? [`an act on ${other} was answered ${JSON.stringify(answer.data)}`] : [];
  }
}

/** Acts that are a super admin's alone, or another group's own. */
function actsOn(
  plan: DoorsOptions['plan'],
): ((client: SupabaseClient, other: string) => PromiseLike<Answer & { data: unknown }>)[] {
  const p_reason = 'Pour voir';
  return [
    (client, other) =>
      client.rpc('change_plan', { p_school_group_id: other, p_plan_slug: plan.slug, p_reason }),
    (client, other) =>
      client.from('subscriptions').update({ plan_id: plan.id }).eq('school_group_id', other).select('id'),
    (client, other) =>
      client.rpc('set_limit_override', {
        p_school_group_id: other,
        p_resource: 'students',
        p_limit: null,
        p_reason,
      }),
    (client, other) =>
      client.rpc('grant_quantity', {
        p_school_group_id: other,
        p_resource: 'students',
        p_amount: 1,
        p_reason,
        p_expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      }),
    (client, other) =>
      client.rpc('set_subscription_status', { p_school_group_id: other, p_status: 'suspended', p_reason }),
    (client) => client.rpc('create_plan_draft', { p_plan_slug: plan.slug }),
    (client) => client.rpc('repair_usage'),
    (client, other) =>
      client.from('schools').insert({ school_group_id: other, name: 'École d’un autre' }).select('id'),
    (client, other) =>
      client.from('schools').update({ name: 'Prise' }).eq('school_group_id', other).select('id'),
    (client) => client.from('profiles').update({ role: 'super_admin' }).neq('id', randomUUID()).select('id'),
    (client, other) =>
      client.from('usage_counters').update({ used: 0 }).eq('school_group_id', other).select('resource'),
  ];
}

/** Tries to join a private topic; whoever is let in has heard it. */
async function join({ client }: Intruder, topic: string): Promise<Found> {
  const channel = client.channel(topic, { config: { private: true } });
  try {
    const outcome = await new Promise<Found>((resolve) => {
      const timer = setTimeout(() => resolve(null), JOIN_LIMIT_MS);
      channel.subscribe((status, error) => {
        if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) resolve([`joined ${topic}`]);
        else if (error?.message.includes('Unauthorized')) resolve([]);
        else resolve(null);
        clearTimeout(timer);
      });
    });
    return outcome;
  } finally {
    await client.removeChannel(channel);
  }
}

/**
 * Listens to the topics of the groups without a right to, by the public channels of their names, and, on a topic that
 * everybody may read, to changes of subscriptions, which policies sift. All that it hears of another group is a violation.
 */
export class Eavesdropper {
  readonly #intruder: Intruder;
  readonly #tally: Tally;
  readonly #channels: RealtimeChannel[];

  constructor(intruder: Intruder, topics: readonly string[], tally: Tally) {
    this.#intruder = intruder;
    this.#tally = tally;
    const { client, account } = intruder;
    this.#channels = topics.map((topic) =>
      client
        .channel(topic)
        .on('broadcast', { event: '*' }, ({ event }) => this.#heard(`${event} on ${topic}`))
        .subscribe(),
    );
    this.#channels.push(
      client
        .channel('catalogue', { config: { private: true } })
        .on('postgres_changes', { event: '*', schema: 'public', table: 'subscriptions' }, (change) => {
          const { school_group_id: group } = change.new as { school_group_id?: string };
          if (group !== undefined && group !== account?.group) this.#heard(`a change of ${group}`);
          else tally.note('topics', 1);
        })
        .subscribe(),
    );
  }

  #heard(what: string): void {
    this.#tally.note('topics', 1, [`${this.#intruder.account?.email} overheard ${what}`]);
  }

  async stop(): Promise<void> {
    await this.#intruder.client.removeAllChannels();
  }
}
