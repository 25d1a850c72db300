/** Add-ons and what groups own of them, written by the operator: the API sells none yet. */
import { randomUUID } from 'node:crypto';
import { RESOURCES, type AddOnOrigin, type Resource } from '../../src/core/entitlements.ts';
import type { Queryable } from './database.ts';

export interface AddOn {
  slug: string;
  id: string;
  /** Its published version. */
  version: string;
}

/** Publishes an add-on that gives so much room and these modules (slugs); storage in bytes. */
export async function createAddOn(
  db: Queryable,
  gives: { limits?: Partial<Record<Resource, number>>; modules?: string[] } = {},
): Promise<AddOn> {
  const slug = `extension-${randomUUID()}`;
  const { rows } = await db.query<AddOn>(
    `with a as (insert into public.add_ons (slug, name, kind, status, price_xaf)
                values ($1, 'Extension d’essai', 'bundle', 'published', 1000) returning id)
     insert into public.add_on_versions (add_on_id, version, limits, modules, status, published_at)
     select id, 1, $2, $3, 'published', now() from a returning $1 as slug, add_on_id as id, id as version`,
    [slug, RESOURCES.map((resource) => gives.limits?.[resource] ?? 0), gives.modules ?? []],
  );
  if (!rows[0]) throw new Error(`No add-on ${slug}`);
  return rows[0];
}

/** Gives a group an add-on, and returns the id of what it owns now. */
export async function ownAddOn(
  db: Queryable,
  group: string,
  addOn: AddOn,
  how: { source?: AddOnOrigin; quantity?: number; starts?: Date; ends?: Date } = {},
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into public.subscription_add_ons
       (school_group_id, add_on_id, add_on_version_id, source, quantity, starts_at, ends_at)
     values ($1, $2, $3, $4, $5, coalesce($6, now()), $7) returning id`,
    [group, addOn.id, addOn.version, how.source ?? 'purchase', how.quantity ?? 1, how.starts, how.ends],
  );
  return rows[0]?.id ?? '';
}
