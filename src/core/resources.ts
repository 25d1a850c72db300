import type { Resource } from './entitlements.ts';

/** The words for a resource in one language. */
export interface ResourceNouns {
  /** The name over a meter: `Écoles`. */
  name: string;
  /** After a number, singular and plural; empty where the number carries its unit. As `private.amount_text` has them. */
  one: string;
  many: string;
  /** What is said of the room that remains, singular and plural. */
  oneLeft: string;
  manyLeft: string;
  /** What to do when the limit is reached. */
  wayOut: string;
}

/** Addresses where a resource is managed; the dashboard while a resource has no page of its own. */
export type ResourceRoute = '/ecoles' | '/tableau-de-bord';

/** Names of lucide icons. */
export type ResourceIcon = 'School' | 'GraduationCap' | 'Users' | 'FolderOpen';

interface ResourceInfo {
  /** Bytes are shown as Go, Mo, Ko. */
  unit: 'rows' | 'bytes';
  icon: ResourceIcon;
  route: ResourceRoute;
  /** In French, the language of the first screen; English is with the English texts, which are fetched when wanted. */
  nouns: ResourceNouns;
}

/**
 * All that TypeScript knows of each resource of the database's enum `resource`; one that is missing does not compile.
 * The place of a resource in arrays is its place in `RESOURCES`.
 */
export const RESOURCE_INFO: Record<Resource, ResourceInfo> = {
  schools: {
    unit: 'rows',
    icon: 'School',
    route: '/ecoles',
    nouns: {
      name: 'Écoles',
      one: 'école',
      many: 'écoles',
      oneLeft: 'restante',
      manyLeft: 'restantes',
      wayOut: 'Archivez une école, ou demandez un plan supérieur.',
    },
  },
  students: {
    unit: 'rows',
    icon: 'GraduationCap',
    route: '/tableau-de-bord',
    nouns: {
      name: 'Élèves',
      one: 'élève',
      many: 'élèves',
      oneLeft: 'restant',
      manyLeft: 'restants',
      wayOut: 'Désactivez des élèves partis, ou demandez un plan supérieur.',
    },
  },
  staff: {
    unit: 'rows',
    icon: 'Users',
    route: '/tableau-de-bord',
    nouns: {
      name: 'Personnel',
      one: 'membre du personnel',
      many: 'membres du personnel',
      oneLeft: 'restant',
      manyLeft: 'restants',
      wayOut: 'Désactivez des comptes du personnel, ou demandez un plan supérieur.',
    },
  },
  storage: {
    unit: 'bytes',
    icon: 'FolderOpen',
    route: '/tableau-de-bord',
    nouns: {
      name: 'Stockage',
      one: '',
      many: '',
      oneLeft: 'restant',
      manyLeft: 'restants',
      wayOut: 'Supprimez des documents, ou demandez un plan supérieur.',
    },
  },
};
