import { describe, expect, test } from 'vitest';
import type { Catalogue } from '../../../core/catalogue.ts';
import { catalogue, planOf } from '../../../../tests/helpers/fixtures.ts';
import { listModules } from './moduleList.ts';

const ALL = { filter: 'all', search: '' } as const;
const flat = (sections: ReturnType<typeof listModules>) => sections.flatMap((section) => section.modules);

describe('the modules of a group', () => {
  const open = planOf('premium').modules;

  test('are all listed, by category in its order, and counted whatever is shown', () => {
    const sections = listModules(catalogue, open, ALL);
    expect(sections.map(({ category }) => category.position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(flat(sections)).toHaveLength(47);
    const locked = listModules(catalogue, open, { filter: 'locked', search: '' });
    expect(flat(locked)).toHaveLength(27);
    expect(locked[0]).toMatchObject({ open: 0, total: locked[0]?.modules.length });
  });

  test('a locked one names the cheapest plan that opens it, an open one none', () => {
    const modules = flat(listModules(catalogue, planOf('gratuit').modules, ALL));
    const plans = Map.groupBy(modules, (module) => module.opensWith);
    expect([...plans].map(([plan, list]) => [plan, list.length])).toEqual(
      expect.arrayContaining([
        [null, 10],
        ['Premium', 10],
        ['Pro', 27],
      ]),
    );
  });

  test('one that is in no published plan says so by having none', () => {
    const unsold: Catalogue = { ...catalogue, plans: [] };
    expect(flat(listModules(unsold, [], ALL)).every((module) => module.opensWith === null)).toBe(true);
  });

  test('are found by every word, without accents or case, in name, description or category', () => {
    const named: Catalogue = {
      ...catalogue,
      modules: catalogue.modules.map((module, index) =>
        index === 0 ? { ...module, name: 'Suivi des élèves', description: 'Fiche, parcours' } : module,
      ),
    };
    for (const search of ['eleves', 'ÉLÈVES suivi', 'fiche eleve', 'categorie 1 suivi', '  suivi  ']) {
      expect(flat(listModules(named, open, { filter: 'all', search })).map(({ name }) => name)).toEqual([
        'Suivi des élèves',
      ]);
    }
    expect(listModules(named, open, { filter: 'all', search: 'suivi zzz' })).toEqual([]);
  });
});
