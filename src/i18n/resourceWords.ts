import { RESOURCES, type Resource } from '../core/entitlements.ts';
import type { ResourceNouns } from '../core/resources.ts';

/** A count with its noun, or what remains of it; takes the number, for the plural, and its formatted form. */
type Counted = (count: number, text: string) => string;

/** The texts of a language that name a resource, made from its nouns. */
export interface ResourceWords {
  resources: Record<Resource, string>;
  /** A count with its noun: `10 écoles`, `50 Go`. */
  amount: Record<Resource, Counted>;
  remaining: Record<Resource, Counted>;
  waysOut: Record<Resource, string>;
}

/**
 * Makes the texts of a language that name a resource.
 *
 * @param isOne whether a count takes the singular in that language
 */
export function resourceWords(
  nouns: Record<Resource, ResourceNouns>,
  isOne: (count: number) => boolean,
): ResourceWords {
  const each = <Text>(make: (words: ResourceNouns) => Text) =>
    Object.fromEntries(RESOURCES.map((resource) => [resource, make(nouns[resource])])) as Record<
      Resource,
      Text
    >;
  return {
    resources: each(({ name }) => name),
    amount: each(
      ({ one, many }) =>
        (count, text) =>
          `${text} ${isOne(count) ? one : many}`.trimEnd(),
    ),
    remaining: each(
      ({ oneLeft, manyLeft }) =>
        (count, text) =>
          `${text} ${isOne(count) ? oneLeft : manyLeft}`,
    ),
    waysOut: each(({ wayOut }) => wayOut),
  };
}
