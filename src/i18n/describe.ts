/** Sentences made of core objects and the words of a language. */
import type { EntitlementDiff } from '../core/diff.ts';
import type { Decision, Resource } from '../core/entitlements.ts';
import { countOf } from '../core/formats.ts';
import type { I18n } from './i18n.ts';

/** A count with its noun: `10 écoles`, `50 Go`. `value` in rows, or bytes for storage. */
export function amountText({ t, formats }: I18n, resource: Resource, value: number): string {
  return t.entitlements.amount[resource](countOf(resource, value), formats.quantity(resource, value));
}

/** A limit without its noun: `2 000`, `50 Go`, `Illimité`. */
export function limitText({ t, formats }: I18n, resource: Resource, limit: number | null): string {
  return limit === null ? t.entitlements.unlimited : formats.quantity(resource, limit);
}

/** What remains, or by how much the limit is passed: `2 restantes`, `5 écoles au-delà de la limite`. */
export function roomText(i18n: I18n, decision: Decision): string {
  const { t, formats } = i18n;
  const { resource, remaining, overage } = decision;
  if (remaining === null) return t.entitlements.noLimit;
  if (overage > 0) return t.entitlements.overage(amountText(i18n, resource, overage));
  return t.entitlements.remaining[resource](
    countOf(resource, remaining),
    formats.quantity(resource, remaining),
  );
}

export interface ChangeText {
  title: string;
  /** `+ 27 modules, + 3 catégories`; empty when nothing was gained. */
  gained: string;
  /** `− 27 modules, − 3 catégories`; empty when nothing was lost. */
  lost: string;
  /** `Écoles 10 → 3 · Élèves 2 000 → 500`; empty when no limit changed. */
  limits: string;
}

/** A change of rights in words: what is new, and by how much. */
export function changeText(i18n: I18n, diff: EntitlementDiff): ChangeText {
  const { t, formats } = i18n;
  const counted = (sign: string, modules: string[], categories: string[]): string =>
    [
      modules.length > 0 && t.plan.modules(modules.length, formats.number(modules.length)),
      categories.length > 0 && t.plan.categories(categories.length, formats.number(categories.length)),
    ]
      .filter((part) => part !== false)
      .map((part) => `${sign}\u00a0${part}`)
      .join(', ');
  return {
    title: diff.plan ? t.plan.changedTo(diff.plan.toName) : t.plan.entitlementsChanged,
    gained: counted('+', diff.modulesGained, diff.categoriesGained),
    lost: counted('−', diff.modulesLost, diff.categoriesLost),
    limits: diff.limits
      .map(({ resource, from, to }) =>
        t.plan.limitChange(
          t.entitlements.resources[resource],
          limitText(i18n, resource, from),
          limitText(i18n, resource, to),
        ),
      )
      .join(' · '),
  };
}
