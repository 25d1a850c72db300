/**
 * Renews the access token: before it runs out, and when the server refuses it. One exchange at a time for all requests
 * of all tabs.
 *
 *                due, or an answer 401                 200
 *   in force ───────────────────────────► exchanging ───────► in force: the refused request is sent once more
 *      ▲                                   │      │ 400, a code of `REFUSALS`
 *      │ again after a growing delay       │      └──────────► ended: the person is asked for the password
 *      └── no answer, 429, 5xx: requests fail as without a network, nobody is asked for anything
 */
import type { Clock } from '../clock.ts';
import { reconnectDelay } from '../realtime/backoff.ts';
import type { EndReason } from '../session.ts';
import { claimsOf } from './claims.ts';
import type { TabLock } from './tabLock.ts';
import type { StoredSession, TokenStore } from './tokenStore.ts';

/** `renewed`: another token than the refused one is stored. `unavailable`: nobody knows. `ended`: there is no session. */
export type Renewal = 'renewed' | 'unavailable' | 'ended';

interface RefresherOptions {
  /** Origin of the API. */
  url: string;
  publishableKey: string;
  store: TokenStore;
  lock: TabLock;
  clock: Clock;
  fetch: typeof fetch;
  /** Another token is stored, by this tab or by another. */
  onRenewed: () => void;
  /** The server ended the session. */
  onEnded: (reason: EndReason) => void;
}

export interface Refresher {
  /** `fetch` for the Supabase client: a request whose token is refused is sent again, once, with a renewed one. */
  fetch: typeof fetch;
  /** Renews unless the stored token has enough of its life left; `renewed` then, too. */
  renewWhenDue: () => Promise<Renewal>;
  /** Renews in any case: what the server says of the account in a token has changed. */
  renewNow: () => Promise<Renewal>;
  /** Call when the stored session may be another one: signed in, signed out, renewed by another tab. */
  storedChanged: () => void;
}

/** A lost answer is asked for again while the server still takes the same refresh token, which it does for 10 s. */
const ANSWER_MS = 5_000;
const MARGIN_SECONDS = 90;
/** A server that answers, but cannot: waited for longer than a line. */
const BUSY_MS = 5_000;
/** A token that was renewed because of a refusal and is refused too: renewing it again would go round in circles. */
const FUTILE_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Codes of a refused exchange, and what they say to a person. */
const REFUSALS: Record<string, EndReason> = {
  session_expired: 'expired',
  user_banned: 'disabled',
  refresh_token_not_found: 'closed',
  refresh_token_already_used: 'closed',
  session_not_found: 'closed',
  user_not_found: 'closed',
};

interface AnswerBody {
  code?: unknown;
  error_code?: unknown;
  msg?: unknown;
  message?: unknown;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const codeOf = (body: AnswerBody): string => textOf(body.error_code) || textOf(body.code);
const messageOf = (body: AnswerBody): string => textOf(body.message) || textOf(body.msg);

async function bodyOf(response: Response): Promise<AnswerBody> {
  const body: unknown = await response.json().catch(() => null);
  return typeof body === 'object' && body !== null ? body : {};
}

function endOf(status: number, body: AnswerBody): EndReason | null {
  if (status < 400 || status >= 500) return null;
  const known = REFUSALS[codeOf(body)];
  if (known) return known;
  return messageOf(body).startsWith('Invalid Refresh Token') ? 'closed' : null;
}

/** Whether an answer says that the access token is of no use: PostgREST by 401, sign-in by 403, storage in words. */
async function isTokenRefused(response: Response): Promise<boolean> {
  if (![400, 401, 403].includes(response.status)) return false;
  const body = await bodyOf(response.clone());
  const code = codeOf(body);
  if (response.status === 401) return code !== 'insufficient_aal' && code !== 'api_key_required';
  return code === 'bad_jwt' || code === 'session_not_found' || /\bjwt\b|"exp" claim/i.test(messageOf(body));
}

/** Starts renewing; one a page. */
export function createRefresher(options: RefresherOptions): Refresher {
  const { url, publishableKey, store, lock, clock, onRenewed, onEnded } = options;
  const ownDoors = [`${url}/auth/v1/token`, `${url}/auth/v1/logout`];
  let running: Promise<Renewal> | null = null;
  let cancelTimer: (() => void) | null = null;
  let failures = 0;
  let futile = { token: '', until: 0 };

  function schedule(ms: number, token: string): void {
    cancelTimer?.();
    cancelTimer = clock.after(Math.min(Math.max(ms, 0), LONGEST_TIMER_MS), () => void renew(token));
  }

  /** Milliseconds until a token is to be renewed. */
  function dueIn({ expires_at, expires_in }: StoredSession): number {
    const left = expires_at * 1_000 - clock.now();
    // More left than a whole life: the clock was set back, and says nothing any more.
    if (!Number.isFinite(left) || left > (expires_in + 5) * 1_000) return 0;
    return left - Math.min(MARGIN_SECONDS, expires_in / 5) * 1_000;
  }

  function storedChanged(): void {
    cancelTimer?.();
    cancelTimer = null;
    failures = 0;
    const session = store.read();
    // Not all who signed in at eight o'clock come back in the same second.
    if (session) schedule(dueIn(session) * (0.9 + 0.1 * clock.random()), session.access_token);
  }

  function tryAgainLater(token: string, isBusy: boolean): Renewal {
    failures += 1;
    schedule(reconnectDelay(failures, clock.random) + (isBusy ? BUSY_MS : 0), token);
    return 'unavailable';
  }

  async function exchange(session: StoredSession): Promise<Renewal> {
    let response: Response;
    let body: AnswerBody;
    try {
      response = await options.fetch(`${url}/auth/v1/token?grant_type=refresh_token`, {
        method: 'POST',
        headers: { apikey: publishableKey, 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: session.refresh_token }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      body = await bodyOf(response);
    } catch {
      return tryAgainLater(session.access_token, false);
    }
    const held = store.read();
    // Signed out, or in again, meanwhile: what the answer says is of the past.
    if (held?.refresh_token !== session.refresh_token) return held ? 'renewed' : 'ended';
    if (response.ok && 'access_token' in body && 'refresh_token' in body) {
      store.write({ ...session, ...(body as unknown as StoredSession) });
      storedChanged();
      onRenewed();
      return 'renewed';
    }
    const reason = endOf(response.status, body);
    if (!reason) return tryAgainLater(session.access_token, response.status >= 400);
    cancelTimer?.();
    onEnded(reason);
    return 'ended';
  }

  /** @param stale the access token that is not to be used any more */
  function renew(stale: string): Promise<Renewal> {
    running ??= lock(async () => {
      const session = store.read();
      if (!session) return 'ended' as const;
      // Another tab was faster.
      if (session.access_token !== stale) return 'renewed' as const;
      return exchange(session);
    }).finally(() => {
      running = null;
    });
    return running;
  }

  async function renewWhenDue(): Promise<Renewal> {
    const session = store.read();
    if (!session) return 'ended';
    return dueIn(session) > 0 ? 'renewed' : renew(session.access_token);
  }

  async function renewRefused(token: string): Promise<Renewal | 'futile'> {
    if (futile.token === token && clock.now() < futile.until) return 'futile';
    const renewal = await renew(token);
    if (renewal === 'renewed') {
      futile = { token: store.read()?.access_token ?? '', until: clock.now() + FUTILE_MS };
    }
    return renewal;
  }

  async function fetchAgain(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    const response = await options.fetch(input, init);
    const address = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init?.headers);
    const token = headers.get('authorization')?.replace(/^Bearer /i, '') ?? '';
    const isOurs = address.startsWith(`${url}/`) && !ownDoors.some((door) => address.startsWith(door));
    if (!isOurs || !token || token === publishableKey || init?.body instanceof ReadableStream)
      return response;
    if (!(await isTokenRefused(response))) return response;
    const renewal = await renewRefused(token);
    // As without a network, which it is: the screens then wait and try again, and ask nobody for a password.
    if (renewal === 'unavailable') throw new TypeError('The session could not be renewed: no answer.');
    const renewed = store.read()?.access_token;
    // Law: nobody's request is sent in the name of another, who signed in in another tab meanwhile.
    if (renewal !== 'renewed' || !renewed || claimsOf(renewed).sub !== claimsOf(token).sub) return response;
    headers.set('authorization', `Bearer ${renewed}`);
    return options.fetch(input, { ...init, headers });
  }

  return {
    fetch: fetchAgain,
    renewWhenDue,
    renewNow: () => renew(store.read()?.access_token ?? ''),
    storedChanged,
  };
}
