/** Reads what arrives on a group's topic. A payload comes from outside: nothing is believed unread. */
import { RESOURCES } from './entitlements.ts';
import { STATE_EVENTS, type EntitlementsMessage, type StateEvent, type UsageMessage } from './messages.ts';

export type StateMessage =
  | { event: 'plan_changed' | 'entitlements_changed'; message: EntitlementsMessage }
  | { event: 'usage_changed'; message: UsageMessage };

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isLimit = (value: unknown): boolean => value === null || isCount(value);

function isTuple(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length === RESOURCES.length && value.every(isItem);
}

function isUsageMessage(payload: Record<string, unknown>): boolean {
  return isCount(payload['rev']) && isTuple(payload['usage'], isCount) && Number.isFinite(payload['at']);
}

function isEntitlementsMessage(payload: Record<string, unknown>): boolean {
  return (
    isUsageMessage(payload) &&
    typeof payload['plan'] === 'string' &&
    isCount(payload['pv']) &&
    typeof payload['status'] === 'string' &&
    typeof payload['warn'] === 'number' &&
    isTuple(payload['limits'], isLimit)
  );
}

/** Whether an event on a group's topic tells state (and not, say, a notification). */
export function isStateEvent(event: string): event is StateEvent {
  return (STATE_EVENTS as readonly string[]).includes(event);
}

/** The message, or `null` when the payload is not what the event promises; the caller then refetches. */
export function parseStateMessage(event: StateEvent, payload: unknown): StateMessage | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const record = payload as Record<string, unknown>;
  if (event === 'usage_changed') {
    return isUsageMessage(record) ? { event, message: payload as UsageMessage } : null;
  }
  return isEntitlementsMessage(record) ? { event, message: payload as EntitlementsMessage } : null;
}
