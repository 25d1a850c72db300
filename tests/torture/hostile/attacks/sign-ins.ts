/** Sign-ins with wrong passwords, for honest accounts and for none, from many addresses. */
import { randomUUID } from 'node:crypto';
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { keyed } from '../headers.ts';
import { refused } from '../record.ts';
import { send } from '../request.ts';

export const signIns: Attack = {
  name: 'sign-ins',
  sends: 'wrong passwords for honest accounts and for none, made-up refresh tokens, sign-ups',
  unharmed: '400, 401, 403, 422 or 429; the accounts’ owners still sign in',
  lanes: 16,
  pauseMs: 200,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const email = random() < 0.5 ? pick(target.emails, random) : `${randomUUID()}@example.test`;
    const [path, body] = pick<[string, object]>(
      [
        ['token?grant_type=password', { email, password: randomUUID() }],
        ['token?grant_type=password', { email, password: 'x'.repeat(20_000) }],
        ['token?grant_type=refresh_token', { refresh_token: randomUUID() }],
        ['signup', { email, password: randomUUID() }],
      ],
      random,
    );
    const answer = await send(target.url, {
      from: address(),
      method: 'POST',
      path: `/auth/v1/${path}`,
      headers: { ...keyed(scene), 'content-type': 'application/json' },
      body: [Buffer.from(JSON.stringify(body))],
      signal,
    });
    record.answer(`POST /auth/v1/${path}`, answer, refused);
  },
};
