/** Waiting for changes of rows with the official client. */
import type { RealtimeChannel, RealtimePostgresChangesPayload, SupabaseClient } from '@supabase/supabase-js';
import { Stream, type Subscription } from './gateway.ts';

export type Changed = RealtimePostgresChangesPayload<Record<string, unknown>> & { errors: string[] | null };

export interface SystemMessage {
  extension: string;
  status: string;
  message: string;
  channel: string;
}

export interface Watching extends Subscription {
  /** What each binding's callback received, oldest first. */
  changes: Stream<Changed>;
  system: Stream<SystemMessage>;
  /** Changes and broadcasts together, in the order in which they came. */
  heard: (Changed | { event: string; payload: unknown })[];
}

/** A binding as a front end writes it; the table may be left out, as the protocol allows. */
export interface Wanted {
  event?: 'INSERT' | 'UPDATE' | 'DELETE' | '*';
  schema?: string;
  table?: string;
  filter?: string;
  select?: string[];
}

/** Joins a topic that waits for changes, and records what comes. */
export function watch(
  client: SupabaseClient,
  topic: string,
  bindings: Wanted[],
  config: NonNullable<Parameters<SupabaseClient['channel']>[1]>['config'] = {},
): Watching {
  const watching = {
    statuses: new Stream<{ status: string; error?: string }>(),
    messages: new Stream<{ event: string; payload: unknown }>(),
    changes: new Stream<Changed>(),
    system: new Stream<SystemMessage>(),
    heard: [] as Watching['heard'],
  };
  const channel: RealtimeChannel = client.channel(topic, { config });
  for (const { event = '*', schema = 'public', ...rest } of bindings) {
    channel.on('postgres_changes', { event: event as '*', schema, ...rest }, (change) => {
      watching.heard.push(change);
      watching.changes.push(change);
    });
  }
  channel.on('system', {}, (message: SystemMessage) => watching.system.push(message));
  channel.on('broadcast', { event: '*' }, (message) => {
    const broadcast = message as unknown as { event: string; payload: unknown };
    watching.heard.push(broadcast);
    watching.messages.push(broadcast);
  });
  channel.subscribe((status, error) =>
    watching.statuses.push(error ? { status, error: error.message } : { status }),
  );
  return { channel, ...watching };
}

/** Joins and waits until the server has confirmed the subscription. */
export async function watched(
  client: SupabaseClient,
  topic: string,
  bindings: Wanted[],
  config: Parameters<typeof watch>[3] = {},
): Promise<Watching> {
  const watching = watch(client, topic, bindings, config);
  await watching.statuses.next(({ status }) => status === 'SUBSCRIBED');
  await watching.system.next(({ message }) => message === 'Subscribed to PostgreSQL');
  return watching;
}
