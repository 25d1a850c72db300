/** Requests take turns by their bearers, before they reach a pool of sessions that all of them share. */
import type { Context, MiddlewareHandler } from 'hono';
import type { VerifyToken } from '../tokens.ts';
import type { FairTurns } from './fair-turns.ts';
import { tooManyRequests } from './refusal.ts';
import { type ReadClient, networkOf } from './trusted-proxies.ts';

/** Who sends a request. */
export interface Bearer {
  /** Names the account, or the network of somebody who has not signed in. */
  key: string;
  isStranger: boolean;
}

export type ReadBearer = (context: Context) => Promise<Bearer>;

/**
 * Makes the reader of a request's bearer. A token that is not good makes nobody: who sends it is a stranger of the
 * network.
 */
export function createBearerReader(verifyToken: VerifyToken, readClient: ReadClient): ReadBearer {
  return async (context) => {
    const token = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? '';
    const claims =
      token === '' || token.startsWith('sb_') ? null : await verifyToken(token).catch(() => null);
    if (claims) return { key: `account ${claims.sub ?? claims.role}`, isStranger: false };
    return { key: `network ${networkOf(readClient(context).address)}`, isStranger: true };
  };
}

/** Lets requests through in turns, until they are answered; a body that is still on its way out holds none. */
export function inTurns(turns: FairTurns, readBearer: ReadBearer): MiddlewareHandler {
  return async (context, next) => {
    const { key, isStranger } = await readBearer(context);
    const turn = await turns.take(key, isStranger);
    if (!turn) return tooManyRequests();
    try {
      if (context.req.raw.signal.aborted) return tooManyRequests();
      await next();
      return undefined;
    } finally {
      turn.end();
    }
  };
}
