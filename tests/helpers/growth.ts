import { RESOURCES } from '../../src/core/entitlements.ts';
import type { SentMessage } from './messages.ts';

interface State {
  rev: number;
  usage: number[];
  limits: (number | null)[];
}

/**
 * Invariants I1 and I4 read from a group's own messages: each revision is told once, and wherever usage grew from one to
 * the next, it stands within the limit that was in force before or after. (A transaction may grow first and lose its plan
 * later.) Over a gap growth is not judged: the limits in between are not known.
 *
 * @param messages all state messages of the group, from its first
 * @returns what went wrong, one sentence each, beginning with the invariant
 */
export function growthPastLimit(messages: SentMessage[]): string[] {
  const wrong: string[] = [];
  let known: State = { rev: 0, usage: [0, 0, 0, 0], limits: [0, 0, 0, 0] };
  for (const { payload } of messages) {
    const next: State = {
      rev: payload.rev,
      usage: payload['usage'] as number[],
      limits: (payload['limits'] as State['limits'] | undefined) ?? known.limits,
    };
    const follows = next.rev === known.rev + 1;
    if (!follows) wrong.push(`I4: revision ${known.rev} is followed by ${next.rev}`);
    for (const [index, resource] of RESOURCES.entries()) {
      const used = next.usage[index] ?? 0;
      if (!follows || used <= (known.usage[index] ?? 0)) continue;
      const limits = [known.limits[index] ?? Infinity, next.limits[index] ?? Infinity];
      const fits = limits.some((limit) => used <= limit);
      if (!fits) wrong.push(`I1: ${resource} grew to ${used} at revision ${next.rev}`);
    }
    known = next;
  }
  return wrong;
}
