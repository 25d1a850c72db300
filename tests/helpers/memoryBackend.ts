/**
 * A backend in memory for component tests: the real Supabase client over a `fetch` that the test answers, and
 * the real channel registry over channels that the test speaks on.
 */
import { createClient } from '@supabase/supabase-js';
import type { QueryClient } from '@tanstack/react-query';
import type { EntitlementSnapshot } from '../../src/core/entitlements.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createQueryClient } from '../../src/lib/queryClient.ts';
import { connection } from '../../src/lib/realtime/connection.ts';
import { createRegistry } from '../../src/lib/realtime/registry.ts';
import { signedIn, type Profile } from '../../src/lib/session.ts';
import { replaceBackend } from '../../src/lib/supabase.ts';
import { catalogue, GROUP_ID, snapshotOf, vianney } from './fixtures.ts';
import { createMemoryRealtime, type MemoryRealtime } from './memoryRealtime.ts';

type Answer = { status: number; body: unknown };

export interface MemoryBackend {
  queryClient: QueryClient;
  realtime: MemoryRealtime;
  /** What `get_entitlements` answers. */
  snapshot: EntitlementSnapshot;
  /** Names of the functions called, in order. */
  calls: string[];
  /** Answers a function otherwise; a promise that never settles is a server that never answers. */
  answer: (name: string, give: (args: Record<string, unknown>) => Answer | Promise<Answer>) => void;
  /** The group's channel is joined. */
  join: () => void;
  /** The server says something on the group's topic. */
  send: (event: string, payload: unknown) => void;
}

/** Puts a fresh backend under the hooks, signed in as `profile`. */
export function installMemoryBackend(profile: Profile = vianney): MemoryBackend {
  const answers = new Map<string, (args: Record<string, unknown>) => Answer | Promise<Answer>>();
  const realtime = createMemoryRealtime();
  const backend: MemoryBackend = {
    queryClient: createQueryClient(),
    realtime,
    snapshot: snapshotOf('pro'),
    calls: [],
    answer: (name, give) => answers.set(name, give),
    join: () => {
      for (const channel of realtime.channels) channel.becomes('SUBSCRIBED');
    },
    send: (event, payload) => realtime.channelOf(`group:${GROUP_ID}`).send(event, payload),
  };
  backend.queryClient.setDefaultOptions({
    queries: { ...backend.queryClient.getDefaultOptions().queries, retry: false },
  });
  backend.answer('get_entitlements', () => ({ status: 200, body: backend.snapshot }));
  backend.answer('get_catalogue', () => ({ status: 200, body: catalogue }));

  const supabase = createClient('http://memory.test', 'key', {
    accessToken: () => Promise.resolve('token'),
    global: {
      fetch: async (input, init) => {
        const name = new URL(input instanceof Request ? input.url : input).pathname.split('/').at(-1) ?? '';
        backend.calls.push(name);
        const give = answers.get(name);
        if (!give) throw new Error(`the test answers no ${name}`);
        const { status, body } = await give(JSON.parse(typeof init?.body === 'string' ? init.body : '{}'));
        return new Response(JSON.stringify(body), {
          status,
          headers: { 'content-type': 'application/json' },
        });
      },
    },
  });
  const registry = createRegistry(realtime, systemClock, connection.lineIs);
  replaceBackend({
    config: { url: 'http://memory.test', publishableKey: 'key', demo: false },
    supabase,
    registry,
    refresher: {
      renewWhenDue: () => Promise.resolve('renewed'),
      renewNow: () => Promise.resolve('renewed'),
    },
  });
  connection.reset();
  connection.networkIs(true);
  connection.lineIs('joining');
  signedIn(profile);
  return backend;
}
