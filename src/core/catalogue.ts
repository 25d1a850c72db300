/** The catalogue as `get_catalogue` returns it: published plans, categories and modules. */
import type { NamedSlug, RESOURCES } from './entitlements.ts';

export interface CatalogueModule extends NamedSlug {
  category: string;
  description: string;
  /** Name of a lucide icon, in PascalCase. */
  icon: string;
  position: number;
}

export interface CatalogueCategory extends NamedSlug {
  icon: string;
  color: string;
  position: number;
}

/** As many values as the list has entries. */
type ForEach<List extends readonly unknown[], Value> = { -readonly [Place in keyof List]: Value };
/** Limits in the order of `RESOURCES`; `null` is unlimited, storage in bytes. */
export type LimitTuple = ForEach<typeof RESOURCES, number | null>;
/** Usage in the order of `RESOURCES`; storage in bytes. */
export type UsageTuple = ForEach<typeof RESOURCES, number>;

export interface CataloguePlan extends NamedSlug {
  rank: number;
  version: number;
  price_xaf: number;
  billing_period: 'month' | 'year';
  warn_at: number;
  limits: LimitTuple;
  /** Slugs of the plan's modules, sorted. */
  modules: string[];
}

export interface Catalogue {
  /** Changes with the content; to be compared for equality with a snapshot's `catalogue`, and with nothing else. */
  version: string;
  plans: CataloguePlan[];
  categories: CatalogueCategory[];
  modules: CatalogueModule[];
}
