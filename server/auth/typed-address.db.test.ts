/** An address is one text for the limits, for the queue and for the database: no other spelling gives more guesses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, createSignIn, signIn } from '../../tests/helpers/accounts.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { findAccountByEmail } from './accounts.ts';
import { readTypedAddress } from './typed-address.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ seeds: false });
});
afterAll(() => server.stop());

interface Difference {
  typed: string;
  lowered: string;
}

/** The characters that PostgreSQL lowers to another text than JavaScript does. */
async function differences(): Promise<Difference[]> {
  const { rows } = await server.database.query<Difference>(
    `select chr(c) as typed, lower(chr(c)) as lowered from generate_series(1, 1114111) c
     where c not between 55296 and 57343`,
  );
  return rows.filter(({ typed, lowered }) => lowered !== typed.toLowerCase());
}

describe('an address', () => {
  it('is found under the one spelling that the limits count, whatever PostgreSQL makes of it', async () => {
    const differing = await differences();
    expect(differing.map(({ typed }) => typed)).toContain('İ');
    await server.database.query(
      `insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at)
       select gen_random_uuid(), 'authenticated', 'authenticated', address, 'none', now()
       from (select distinct 'essai.' || lowered || '@essai.test' as address from unnest($1::text[]) lowered) a`,
      [differing.map(({ lowered }) => lowered)],
    );
    const session = await server.database.connect();
    for (const { typed, lowered } of differing) {
      const read = readTypedAddress(`essai.${typed}@essai.test`);
      expect(read).not.toBe(`essai.${lowered}@essai.test`);
      expect(readTypedAddress(read)).toBe(read);
      // Nobody, or the account whose guesses these are.
      const found = await findAccountByEmail(session, read);
      expect(found?.email ?? read).toBe(read);
    }
  });

  it('with İ neither signs in as the one with i, nor adds to its guesses', async () => {
    const { id } = await createSignIn(server.database);
    const email = 'ii.iii@essai.test';
    await server.database.query('update auth.users set email = $2 where id = $1', [id, email]);
    expect((await signIn(server, email.replace('i', 'İ'))).status).toBe(400);
    const statuses: number[] = [];
    for (let n = 0; n < 10; n++) statuses.push((await signIn(server, email, 'wrong')).status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 400));
    for (const spelling of [email, ' II.III@ESSAI.TEST ', 'Ii.iIi@essai.test'])
      expect((await signIn(server, spelling)).status).toBe(429);
    for (const spelling of ['İi.iii@essai.test', 'iİ.iii@essai.test', 'İİ.İİİ@essai.test'])
      expect((await signIn(server, spelling)).status).not.toBe(200);
  });

  it('is read without regard to case and surrounding space', async () => {
    const { email } = await createSignIn(server.database);
    expect((await signIn(server, `  ${email.toUpperCase()} `, PASSWORD)).status).toBe(200);
  });
});
