/**
 * Where the tokens of this browser are kept: `localStorage`, which all tabs share.
 *
 * Danger: auth-js compares `expires_at`, an instant of the server's clock, with `Date.now()`. On a computer whose clock
 * is ahead it would refresh at every request, behind it never. What is right on any clock is a duration: a token is
 * good for `expires_in` seconds from its arrival. So `expires_at` is stored as an instant of the local clock. And
 * auth-js reads it as far away, whatever it is: it then neither refreshes nor drops a session by itself, which it does
 * once a tab, without regard to the other tabs. `refresher.ts` alone renews.
 */
import type { Clock } from '../clock.ts';

/** A session as auth-js stores it. */
export interface StoredSession {
  access_token: string;
  refresh_token: string;
  /** Life of the access token, seconds. */
  expires_in: number;
  /** Its end by the local clock, Unix seconds. */
  expires_at: number;
}

type Area = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface TokenStore {
  /** Key of the session in `localStorage`. */
  key: string;
  /** The storage that auth-js works on. */
  forClient: Area;
  read: () => StoredSession | null;
  /** Stores a session; a token that is not stored yet counts as arrived now. */
  write: (session: StoredSession) => void;
  remove: () => void;
}

const FAR_SECONDS = 86_400;

/** `localStorage`, or memory where it is forbidden (private window, policy): a reload then asks for the password. */
function openArea(): Area {
  try {
    localStorage.getItem('');
    return localStorage;
  } catch {
    const held = new Map<string, string>();
    return {
      getItem: (key) => held.get(key) ?? null,
      setItem: (key, text) => void held.set(key, text),
      removeItem: (key) => void held.delete(key),
    };
  }
}

function parse(text: string | null): StoredSession | null {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<StoredSession> | null;
    return value?.access_token && value.refresh_token ? (value as StoredSession) : null;
  } catch {
    return null;
  }
}

/** Opens the store. @param key what auth-js calls the session */
export function createTokenStore(
  key: string,
  clock: Pick<Clock, 'now'>,
  area: Area = openArea(),
): TokenStore {
  const seconds = () => Math.floor(clock.now() / 1_000);
  const read = () => parse(area.getItem(key));

  function write(session: StoredSession): void {
    const held = read();
    const isKnown = held?.access_token === session.access_token;
    const expires_at = isKnown ? held.expires_at : seconds() + session.expires_in;
    area.setItem(key, JSON.stringify({ ...session, expires_at }));
  }

  return {
    key,
    read,
    write,
    remove: () => area.removeItem(key),
    forClient: {
      getItem: (name) => {
        const text = area.getItem(name);
        const session = name === key ? parse(text) : null;
        return session ? JSON.stringify({ ...session, expires_at: seconds() + FAR_SECONDS }) : text;
      },
      setItem: (name, text) => {
        const session = name === key ? parse(text) : null;
        if (session) write(session);
        else area.setItem(name, text);
      },
      removeItem: (name) => area.removeItem(name),
    },
  };
}
