import type { Catalogue, CatalogueCategory, CatalogueModule } from '@/core/catalogue.ts';

export type ModuleFilter = 'all' | 'open' | 'locked';

export interface ListedModule extends CatalogueModule {
  open: boolean;
  /** Name of the cheapest published plan that holds it; `null` when it is open already or in no plan. */
  opensWith: string | null;
}

export interface ModuleSection {
  category: CatalogueCategory;
  /** Open modules of the category and all of them, whatever the filter shows. */
  open: number;
  total: number;
  modules: ListedModule[];
}

/** Lower case without accents, so that “eleve” finds “Élève”. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/**
 * The catalogue as a group sees it: by category, each module open or locked with the plan that opens it.
 * @param open slugs of the group's open modules.
 * @param search every word must occur in the module's name, its description or its category's name.
 * @returns categories in their order, without those the filter or the search leaves empty.
 */
export function listModules(
  catalogue: Catalogue,
  open: readonly string[],
  { filter, search }: { filter: ModuleFilter; search: string },
): ModuleSection[] {
  const opened = new Set(open);
  const words = folded(search).split(/\s+/).filter(Boolean);
  const plans = catalogue.plans.toSorted((a, b) => a.rank - b.rank);
  const opensWith = (slug: string) => plans.find((plan) => plan.modules.includes(slug))?.name ?? null;

  return catalogue.categories
    .toSorted((a, b) => a.position - b.position)
    .map((category) => {
      const all = catalogue.modules
        .filter((module) => module.category === category.slug)
        .toSorted((a, b) => a.position - b.position)
        .map((module) => ({
          ...module,
          open: opened.has(module.slug),
          opensWith: opened.has(module.slug) ? null : opensWith(module.slug),
        }));
      return {
        category,
        open: all.filter((module) => module.open).length,
        total: all.length,
        modules: all.filter((module) => {
          if (filter !== 'all' && module.open !== (filter === 'open')) return false;
          const text = folded(`${module.name} ${module.description} ${category.name}`);
          return words.every((word) => text.includes(word));
        }),
      };
    })
    .filter((section) => section.modules.length > 0);
}
