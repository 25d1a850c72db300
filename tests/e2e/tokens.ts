/** What tests do to the tokens of a window, and to the sessions behind them. */
import type { BrowserContext, Page } from '@playwright/test';
import type { Client } from 'pg';
import { ACCOUNTS, type Account } from './fixtures.ts';

export interface StoredTokens {
  access_token: string;
  refresh_token: string;
  expires_at: number;
}

/** The stored session of a window, as the client keeps it. */
export function tokensOf(page: Page): Promise<StoredTokens> {
  return page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.endsWith('-auth-token')) ?? '';
    return JSON.parse(localStorage.getItem(key) ?? '{}') as StoredTokens;
  });
}

/** Changes the stored session of a window; the window itself is not told, as by another tab it would be. */
export async function changeTokens(
  page: Page,
  change: (tokens: StoredTokens) => Partial<StoredTokens>,
): Promise<void> {
  const changed = { ...(await tokensOf(page)) };
  Object.assign(changed, change(changed));
  await page.evaluate((session) => {
    const key = Object.keys(localStorage).find((name) => name.endsWith('-auth-token')) ?? '';
    localStorage.setItem(key, JSON.stringify(session));
  }, changed);
}

/** An access token that the server does not know. */
export const spoilt = ({ access_token }: StoredTokens): Partial<StoredTokens> => ({
  access_token: access_token.slice(0, -6) + 'AAAAAA',
});

/** An access token that is near its end by the clock of this computer. */
export const due = (): Partial<StoredTokens> => ({ expires_at: 1 });

/** What the browser says when the tab is seen again and the network is back: the page looks at its tokens. */
export async function lookAgain(...pages: Page[]): Promise<void> {
  await Promise.all(
    pages.map((page) =>
      page.evaluate(() => {
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
        window.dispatchEvent(new Event('online'));
      }),
    ),
  );
}

/** Ends the sessions of an account on the server, as a password changed elsewhere does. */
export async function endSessions(db: Client, account: Account): Promise<void> {
  await db.query(`delete from auth.sessions where user_id = (select id from auth.users where email = $1)`, [
    ACCOUNTS[account],
  ]);
}

export const EXCHANGE = '**/auth/v1/token?grant_type=refresh_token';

/** Counts the exchanges of refresh tokens by all tabs of a context, from now on. */
export async function countExchanges(context: BrowserContext): Promise<() => number> {
  let count = 0;
  await context.route(EXCHANGE, (route) => {
    count += 1;
    return route.continue();
  });
  return () => count;
}
