import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type * as supabase from '@supabase/supabase-js';
import { ACCOUNTS, expect, PASSWORD, test } from './fixtures.ts';

declare global {
  interface Window {
    supabase: typeof supabase;
  }
}

const BUNDLE = createRequire(import.meta.url).resolve('@supabase/supabase-js/dist/umd/supabase.js');

/** A site of somebody else: one page with the client as it comes from npm. */
async function startSite(): Promise<{ url: string; server: Server }> {
  const bundle = await readFile(BUNDLE);
  const server = createServer((request, response) => {
    const isBundle = request.url === '/supabase.js';
    response.setHeader('content-type', isBundle ? 'text/javascript' : 'text/html');
    response.end(isBundle ? bundle : '<!doctype html><script src="/supabase.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

for (const vsn of ['1.0.0', '2.0.0']) {
  test(`a client from another origin uses httpSend on a private channel, serializer ${vsn}`, async ({
    page,
    request,
    db,
    lamarelle,
  }) => {
    const topic = `group:${lamarelle}`;
    const { url, publishableKey } = (await (await request.get('/config.json')).json()) as {
      url: string;
      publishableKey: string;
    };
    const site = await startSite();
    const headers: (string | undefined)[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/realtime/v1/api/')) {
        headers.push(response.headers()['access-control-allow-origin']);
      }
    });
    const send = (): Promise<unknown> =>
      page.evaluate(
        async ({ account, password, ...told }) => {
          const client = window.supabase.createClient(told.url, told.publishableKey, {
            realtime: { vsn: told.vsn },
          });
          const { data } = await client.auth.signInWithPassword({ email: account, password });
          await client.realtime.setAuth(data.session!.access_token);
          const channel = client.channel(told.topic, { config: { private: true } });
          const heard = new Promise<unknown>((resolve) => {
            channel.on('broadcast', { event: 'hello' }, ({ payload }) => resolve(payload));
          });
          await new Promise<void>((resolve) => {
            channel.subscribe((status: string) => status === 'SUBSCRIBED' && resolve());
          });
          try {
            await channel.httpSend('hello', { text: 'é' });
            return await heard;
          } catch (error) {
            return (error as Error).message;
          } finally {
            await client.removeAllChannels();
            await client.auth.signOut({ scope: 'local' });
          }
        },
        { url, publishableKey, topic, vsn, account: ACCOUNTS.vianney, password: PASSWORD },
      );
    try {
      await page.goto(site.url);
      // Members listen and do not write: why is told to a page of another origin too.
      expect(await send()).toBe(`You do not have permissions to write to this topic: ${topic}`);
      await db.query(
        `create policy e2e_writes on realtime.messages for insert to authenticated
           with check ((select realtime.topic()) = '${topic}')`,
      );
      expect(await send()).toEqual({ text: 'é' });
      expect(headers.length).toBeGreaterThanOrEqual(2);
      // Once: the app and the gateway both know the header.
      expect(new Set(headers)).toEqual(new Set(['*']));
    } finally {
      await db.query('drop policy if exists e2e_writes on realtime.messages');
      site.server.close();
    }
  });
}
