import type { ToldCode } from '../core/errorCodes.ts';
import type { Messages } from './fr.ts';
import { englishNouns } from './resourceNouns.en.ts';
import { resourceWords } from './resourceWords.ts';
import { screensEn } from './screens.en.ts';

const s = (n: number, one: string, many: string): string => (n === 1 ? one : many);

const words = resourceWords(englishNouns, (count) => count === 1);

/** The screens in English; the shape is the French one, so a missing text does not compile. */
export const en: Messages = {
  ...screensEn,

  entitlements: {
    resources: words.resources,
    amount: words.amount,
    remaining: words.remaining,
    overage: (text) => `${text} over the limit`,
    unlimited: 'Unlimited',
    noLimit: 'No limit',
    of: (used, limit) => `${used} of ${limit}`,
    states: {
      ok: 'Available',
      warning: 'Nearly reached',
      blocked: 'Limit reached',
      over_limit: 'Over the limit',
      unlimited: 'Unlimited',
    },
    reasons: {
      ok: 'Allowed.',
      limit_reached: 'Your plan’s limit is reached.',
      requested_exceeds_limit: 'This is more than your plan still allows.',
      feature_not_in_plan: 'This module is not part of your plan.',
      feature_not_found: 'This module does not exist.',
      no_active_subscription: 'Your group has no active subscription: the limits of the Gratuit plan apply.',
      subscription_past_due: 'Your subscription is past due: the limits of the Gratuit plan apply.',
      subscription_suspended: 'Your subscription is suspended: the limits of the Gratuit plan apply.',
      trial_expired: 'Your trial is over: the limits of the Gratuit plan apply.',
      grace_expired: 'Your grace period is over: the limits of the Gratuit plan apply.',
      budget_exceeded: 'This month’s budget does not cover the room that is missing.',
    },
    card: {
      title: 'Plan limits',
      upgrade: 'Upgrade my plan',
      loading: 'Loading limits…',
      updated: (ago) => `updated ${ago}`,
      noGroup: 'Your account belongs to no school group.',
    },
  },

  guard: {
    checking: 'Checking…',
    checkingDetail: 'The action opens as soon as your limits are known.',
    offline: 'Offline',
    offlineDetail: 'Your limits cannot be checked. The action opens when the connection is back.',
    failed: 'Could not check',
    failedDetail: 'Your limits could not be read. The action stays closed to be safe.',
    warning: 'Careful – limit nearly reached',
    warningRemaining: (amount) => `You have ${amount} left.`,
    warningUpgrade: 'Raise my limit',
    limitReached: (amount) => `Limit reached: ${amount}`,
    overLimit: (amount) => `Over the limit: ${amount}`,
    requestTooLarge: (amount) => `Too much for your limit: ${amount}`,
    current: (used, limit) => `Currently: ${used}/${limit}`,
    usage: (used, limit) => `Usage: ${used}/${limit}`,
    upgrade: 'Upgrade my plan',
    waysOut: words.waysOut,
    opened: 'You can go on again.',
  },

  connection: {
    live: 'Live',
    connecting: 'Connecting…',
    reconnecting: 'Reconnecting…',
    reconnectingIn: (seconds) => `Reconnecting in ${seconds} s`,
    offline: 'Offline',
    lastUpdate: (time) => `last update ${time}`,
    updated: (ago) => `updated ${ago}`,
  },

  errors: {
    retry: 'Try again',
    title: 'Something went wrong',
    codes: {
      not_authenticated: 'You must sign in.',
      forbidden: 'You are not allowed to do this.',
      group_not_found: 'This school group does not exist.',
      unknown_plan: 'This plan does not exist.',
      unknown_resource: 'This resource does not exist.',
      invalid_request: 'The request is not valid.',
      reason_required: 'A reason is required.',
      stale_revision: 'The data changed in the meantime. Read the preview again, then retry.',
      same_plan: 'The group already has this plan.',
      network: 'The server does not answer. Check your connection.',
      unknown: 'An unexpected error occurred.',
    },
    told: {
      second_factor_required: 'Give the code of your second factor first.',
      append_only: 'What is on record here can no longer be changed.',
      same_status: 'The subscription is in this state already.',
      illegal_transition: 'The subscription cannot move to this state.',
      nothing_scheduled: 'No change of plan is scheduled.',
      feature_not_found: 'This module does not exist.',
      override_not_found: 'This override does not exist.',
      version_not_found: 'This draft of a plan does not exist.',
      nothing_to_publish: 'The draft changes nothing of what the plan gives already.',
      request_not_found: 'This request does not exist.',
      request_pending: 'A request is pending already. Withdraw it before you make another.',
      too_many_today: 'Ten requests a day at most. Try again tomorrow.',
      no_longer_fits: 'The group’s usage is now above the limits of the plan it asked for.',
      already_closed: 'This is closed already.',
      document_not_found: 'This document does not exist.',
      object_missing: 'The file has not been uploaded yet.',
      object_present: 'A file is still there. Delete it first.',
      object_fixed: 'A stored file is not replaced. Delete it, then upload the other.',
      upload_refused: 'No room is reserved for this file.',
      upload_in_progress: 'This file is being uploaded. Wait until it ends.',
      size_exceeds_reservation: 'The file is larger than the room reserved for it.',
      school_not_found: 'This school does not exist, or it is archived.',
      too_many_requests: 'Too many requests at once. Try again in a moment.',
      database_unavailable: 'The database is restarting. Try again in a moment.',
      answer_too_large: 'The answer would be too large. Ask for less at a time.',
    } satisfies Record<ToldCode, string>,
  },

  plan: {
    changedTo: (name) => `Plan updated to ${name}`,
    entitlementsChanged: 'Your entitlements have changed',
    modules: (n, text) => `${text} ${s(n, 'module', 'modules')}`,
    categories: (n, text) => `${text} ${s(n, 'category', 'categories')}`,
    limitChange: (resource, from, to) => `${resource}\u00a0${from}\u00a0→\u00a0${to}`,
    changedAt: (time) => `Changed at ${time}`,
    pending: (plan, date) => `Change to the ${plan} plan planned for ${date}.`,
  },
};
