/** What a super admin does in the console, through the official client: plans, versions, exceptions, requests. */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import { RESOURCES } from '../../src/core/entitlements.ts';
import type { World } from '../helpers/world.ts';
import { outcomeOf } from './answers.ts';
import { createDeck, pick, pickSome } from './chance.ts';
import type { Actor, Outcome } from './crew.ts';

export interface Console {
  client: SupabaseClient;
  world: World;
  /** The group of the ledger, whose limits move as everybody's do. */
  ledger: string;
  random: () => number;
}

type Act = (console: Console) => Promise<Outcome>;

const p_reason = 'Essai';
const MOST_LIMIT = 40;
/** A change that is planned for so soon falls due during the storm. */
const SOON_MS = 2_000;
const DAY_MS = 86_400_000;
const STATUSES = ['active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired', 'trial'] as const;

const group = ({ world, random }: Console): string => pick(world.groups, random);
const plan = ({ world, random }: Console): string => pick(world.plans, random);
const later = (ms: number): string => new Date(Date.now() + ms).toISOString();

const ACTS: readonly Act[] = [
  async (c) =>
    outcomeOf(
      'change_plan',
      await c.client.rpc('change_plan', { p_school_group_id: group(c), p_plan_slug: plan(c), p_reason }),
    ),
  async (c) => {
    const p_school_group_id = group(c);
    const { data } = await c.client.rpc('get_entitlements', { p_school_group_id });
    const p_expected_rev = (data as { rev: number } | null)?.rev ?? 0;
    return outcomeOf(
      'change_plan at a revision',
      await c.client.rpc('change_plan', {
        p_school_group_id,
        p_plan_slug: plan(c),
        p_reason,
        p_expected_rev,
      }),
    );
  },
  async (c) =>
    outcomeOf(
      'change_plan for later',
      await c.client.rpc('change_plan', {
        p_school_group_id: group(c),
        p_plan_slug: plan(c),
        p_reason,
        p_effective: later(SOON_MS * c.random()),
      }),
    ),
  async (c) =>
    outcomeOf(
      'cancel_scheduled_change',
      await c.client.rpc('cancel_scheduled_change', { p_school_group_id: group(c), p_reason }),
    ),
  async (c) => {
    // The founding document's own statement.
    const { data } = await c.client.from('subscription_plans').select('id').eq('slug', plan(c)).maybeSingle();
    const plan_id = (data?.id as string | undefined) ?? randomUUID();
    return outcomeOf(
      'plain update',
      await c.client.from('subscriptions').update({ plan_id }).eq('school_group_id', group(c)),
    );
  },
  publish('move'),
  publish('grandfather'),
  async (c) =>
    outcomeOf(
      'set_limit_override',
      await c.client.rpc('set_limit_override', {
        p_school_group_id: c.random() < 0.3 ? c.ledger : group(c),
        p_resource: pick(RESOURCES, c.random),
        p_limit: c.random() < 0.2 ? null : Math.floor(c.random() * MOST_LIMIT),
        p_reason,
        p_expires_at: later(DAY_MS),
      }),
    ),
  async (c) =>
    outcomeOf(
      'grant_quantity',
      await c.client.rpc('grant_quantity', {
        p_school_group_id: group(c),
        p_resource: pick(RESOURCES, c.random),
        p_amount: 1 + Math.floor(c.random() * MOST_LIMIT),
        p_reason,
        p_expires_at: later(DAY_MS),
      }),
    ),
  async (c) =>
    outcomeOf(
      'set_module_override',
      await c.client.rpc('set_module_override', {
        p_school_group_id: group(c),
        p_module: pick(c.world.moduleSlugs, c.random),
        p_open: c.random() < 0.5,
        p_reason,
      }),
    ),
  async (c) => {
    const { data } = await c.client.from('entitlement_overrides').select('id').is('ended_at', null).limit(20);
    const p_override_id =
      data && data.length > 0 ? pick(data as { id: string }[], c.random).id : randomUUID();
    return outcomeOf('end_override', await c.client.rpc('end_override', { p_override_id, p_reason }));
  },
  async (c) =>
    outcomeOf(
      'set_subscription_status',
      await c.client.rpc('set_subscription_status', {
        p_school_group_id: group(c),
        p_status: pick(STATUSES, c.random),
        p_reason,
        p_until: later(DAY_MS),
      }),
    ),
  async (c) =>
    outcomeOf(
      'renew_subscription',
      await c.client.rpc('renew_subscription', {
        p_school_group_id: group(c),
        p_period_end: later(DAY_MS * (1 + Math.floor(c.random() * 400))),
        p_reason,
      }),
    ),
  async (c) => {
    const { data } = await c.client
      .from('plan_change_requests')
      .select('id')
      .eq('status', 'pending')
      .limit(1);
    return outcomeOf(
      'review of a request',
      await c.client.rpc('review_plan_change_request', {
        p_request_id: (data?.[0]?.['id'] as string | undefined) ?? randomUUID(),
        p_approve: c.random() < 0.5,
        p_note: p_reason,
        p_accept_overage: c.random() < 0.5,
      }),
    );
  },
];

/** Drafts a plan, changes what it gives, and publishes it: groups move along, or keep what they have. */
function publish(existing: 'move' | 'grandfather'): Act {
  const act = `publication, ${existing}`;
  return async (c) => {
    const draft = await c.client.rpc('create_plan_draft', { p_plan_slug: plan(c) });
    if (draft.error) return outcomeOf(act, draft);
    const p_version_id = (draft.data as { id: string }).id;
    const changed = await c.client.rpc('update_plan_draft', {
      p_version_id,
      p_definition: {
        [`max_${pick(RESOURCES, c.random)}`]: c.random() < 0.2 ? null : Math.floor(c.random() * MOST_LIMIT),
        modules: pickSome(c.world.moduleSlugs, Math.floor(c.random() * c.world.moduleSlugs.length), c.random),
      },
    });
    if (changed.error) return outcomeOf(act, changed);
    return outcomeOf(act, await c.client.rpc('publish_plan_version', { p_version_id, p_existing: existing }));
  };
}

/** A super admin at work. */
export function createSuperAdmin(console: Console): Actor {
  const deal = createDeck(ACTS, console.random);
  return () => deal()(console);
}
