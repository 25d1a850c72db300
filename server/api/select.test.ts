// @vitest-environment node
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { limitSelect } from './select-limit.ts';

const app = new Hono().use(limitSelect()).all('*', (context) => context.text('passed'));

const list = (count: number): string => Array.from({ length: count }, (_, i) => `e${i}(id)`).join();

it.each([
  ['', 200],
  ['?select=id,name', 200],
  ['?select=id,a(b(c(id))),d(e(f(id)))', 200],
  ['?select=a(b(c(d(id))))', 400],
  ['?select=a%28b%28c%28d%28id%29%29%29%29', 400],
  ['?select=id&select=a(b(c(d(id))))', 400],
  ['?select=x:a!inner(...b(y:c!hint(d(id))))', 400],
  [`?select=${list(10)}`, 200],
  [`?select=${list(11)}`, 400],
  // Brackets that close nothing, because a name or a key goes on behind them.
  ['?select=a(")":b(")":c(")":d(id))))', 400],
  ['?select=a(x->k),b(x->k),c(x->k),d(id))))', 400],
  ['?select=id))),a(b(c(d(id))))', 400],
])('a request with %s is answered with %i', async (query, status) => {
  for (const method of ['GET', 'POST', 'PATCH']) {
    const response = await app.request(`/rest/v1/plans${query}`, { method });
    expect(response.status).toBe(status);
    if (status === 400) expect(await response.json()).toMatchObject({ code: 'select_too_deep' });
  }
});
