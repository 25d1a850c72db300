import type { MiddlewareHandler } from 'hono';
import { refusal } from './refusal.ts';

/** How deep one table may stand within another in an answer. */
const DEEPEST = 3;
/** Tables within tables in one answer. */
const MOST = 10;

/**
 * Refuses a `select` that embeds too deep or too much: each level multiplies the rows of the one above, so that
 * a line of text could ask for more than the server has memory for.
 */
export function limitSelect(): MiddlewareHandler {
  return async (context, next) => {
    const asked = context.req.queries('select') ?? [];
    if (asked.every(isModest)) return next();
    return refusal(400, {
      code: 'select_too_deep',
      message: 'La requête demande trop de tables imbriquées.',
      hint: `Embed at most ${DEEPEST} levels deep and ${MOST} times in all; ask for the rest in a second request.`,
    });
  };
}

function isModest(select: string): boolean {
  // Danger: in a quoted name or the key of a JSON path, a bracket closes nothing. Where these occur, none does.
  const closes = !/"|->/.test(select);
  let depth = 0;
  let deepest = 0;
  let embeds = 0;
  for (const character of select) {
    if (character === '(') {
      embeds++;
      depth++;
      deepest = Math.max(deepest, depth);
    } else if (character === ')' && closes) {
      depth = Math.max(0, depth - 1);
    }
  }
  return deepest <= DEEPEST && embeds <= MOST;
}
