/**
 * Every word the screens say, in French: the source of truth. `en.ts` must have the same shape.
 * A text with a number takes the number (for the plural) and its formatted form.
 */

import { RESOURCES, type Resource } from '../core/entitlements.ts';
import type { ToldCode } from '../core/errorCodes.ts';
import { RESOURCE_INFO, type ResourceNouns } from '../core/resources.ts';
import { resourceWords } from './resourceWords.ts';
import { screensFr } from './screens.fr.ts';

/** In French, 0 and 1 are singular. */
const s = (n: number, one: string, many: string): string => (Math.abs(n) < 2 ? one : many);

const frenchNouns = Object.fromEntries(
  RESOURCES.map((resource) => [resource, RESOURCE_INFO[resource].nouns]),
) as Record<Resource, ResourceNouns>;
const words = resourceWords(frenchNouns, (count) => Math.abs(count) < 2);

export const fr = {
  ...screensFr,

  entitlements: {
    resources: words.resources,
    amount: words.amount,
    remaining: words.remaining,
    overage: (text: string) => `${text} au-delà de la limite`,
    unlimited: 'Illimité',
    noLimit: 'Sans limite',
    of: (used: string, limit: string) => `${used} sur ${limit}`,
    states: {
      ok: 'Disponible',
      warning: 'Bientôt atteinte',
      blocked: 'Limite atteinte',
      over_limit: 'Limite dépassée',
      unlimited: 'Illimité',
    },
    reasons: {
      ok: 'Autorisé.',
      limit_reached: 'La limite de votre plan est atteinte.',
      requested_exceeds_limit: 'Cette quantité dépasse ce que votre plan permet encore.',
      feature_not_in_plan: 'Ce module n’est pas compris dans votre plan.',
      feature_not_found: 'Ce module n’existe pas.',
      no_active_subscription:
        'Votre groupe n’a pas d’abonnement actif : les limites du plan Gratuit s’appliquent.',
      subscription_past_due:
        'Votre abonnement est en retard de paiement : les limites du plan Gratuit s’appliquent.',
      subscription_suspended: 'Votre abonnement est suspendu : les limites du plan Gratuit s’appliquent.',
      trial_expired: 'Votre période d’essai est terminée : les limites du plan Gratuit s’appliquent.',
      grace_expired: 'Votre délai de grâce est terminé : les limites du plan Gratuit s’appliquent.',
      budget_exceeded: 'Le budget du mois ne suffit pas pour la place qui manque.',
    },
    card: {
      title: 'Limites du plan',
      upgrade: 'Faire évoluer mon plan',
      loading: 'Chargement des limites…',
      updated: (ago: string) => `à jour ${ago}`,
      noGroup: 'Votre compte n’est rattaché à aucun groupe scolaire.',
    },
  },

  guard: {
    checking: 'Vérification…',
    checkingDetail: 'L’action s’ouvrira dès que vos limites seront connues.',
    offline: 'Hors ligne',
    offlineDetail: 'Vos limites ne peuvent pas être vérifiées. L’action s’ouvrira au retour de la connexion.',
    failed: 'Vérification impossible',
    failedDetail: 'Vos limites n’ont pas pu être lues. L’action reste fermée par prudence.',
    warning: 'Attention – limite bientôt atteinte',
    warningRemaining: (amount: string) => `Il vous reste ${amount}.`,
    warningUpgrade: 'Augmenter ma limite',
    limitReached: (amount: string) => `Limite atteinte : ${amount}`,
    overLimit: (amount: string) => `Limite dépassée : ${amount}`,
    requestTooLarge: (amount: string) => `Trop pour votre limite : ${amount}`,
    current: (used: string, limit: string) => `Actuellement : ${used}/${limit}`,
    usage: (used: string, limit: string) => `Usage : ${used}/${limit}`,
    upgrade: 'Mettre à niveau mon plan',
    waysOut: words.waysOut,
    opened: 'Vous pouvez de nouveau continuer.',
  },

  connection: {
    live: 'En direct',
    connecting: 'Connexion…',
    reconnecting: 'Reconnexion…',
    reconnectingIn: (seconds: string) => `Reconnexion dans ${seconds} s`,
    offline: 'Hors ligne',
    lastUpdate: (time: string) => `dernière mise à jour ${time}`,
    updated: (ago: string) => `à jour ${ago}`,
  },

  errors: {
    retry: 'Réessayer',
    title: 'Une erreur est survenue',
    codes: {
      not_authenticated: 'Vous devez vous connecter.',
      forbidden: 'Vous n’avez pas le droit de faire cela.',
      group_not_found: 'Ce groupe scolaire n’existe pas.',
      unknown_plan: 'Ce plan n’existe pas.',
      unknown_resource: 'Cette ressource n’existe pas.',
      invalid_request: 'La demande n’est pas valide.',
      reason_required: 'Un motif est obligatoire.',
      stale_revision: 'Les données ont changé entre-temps. Relisez l’aperçu, puis recommencez.',
      same_plan: 'Le groupe a déjà ce plan.',
      network: 'Le serveur ne répond pas. Vérifiez votre connexion.',
      unknown: 'Une erreur inattendue est survenue.',
    },
    /** The server says these in French itself; other languages need words for each. */
    told: {} as Partial<Record<ToldCode, string>>,
  },

  plan: {
    changedTo: (name: string) => `Plan mis à jour vers ${name}`,
    entitlementsChanged: 'Vos droits ont changé',
    modules: (n: number, text: string) => `${text} ${s(n, 'module', 'modules')}`,
    categories: (n: number, text: string) => `${text} ${s(n, 'catégorie', 'catégories')}`,
    limitChange: (resource: string, from: string, to: string) => `${resource}\u00a0${from}\u00a0→\u00a0${to}`,
    changedAt: (time: string) => `Modifié à ${time}`,
    /** A change that is planned for a date. */
    pending: (plan: string, date: string) => `Passage au plan ${plan} prévu le ${date}.`,
  },
};

export type Messages = typeof fr;
