import { SignJWT, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Claims } from '../tokens.ts';

/** Addresses to read one file by, for as long as who signed them may read it. */
export interface AddressSigner {
  /** @param seconds until the address is no longer valid at the latest */
  sign(path: string, signer: Claims, seconds: number): Promise<string>;
  /** As whom an address reads a file; `null` when it is no address of that file, or no longer. */
  read(token: string, path: string): Promise<Claims | null>;
}

const payload = z.object({
  intent: z.literal('download'),
  sub: z.string(),
  by: z.object({
    role: z.string(),
    sub: z.string().optional(),
    session_id: z.string().optional(),
    aal: z.string().optional(),
  }),
});

/**
 * Makes the signer. Why not @supabase/lite's: its addresses name nobody, and so outlive every right of their maker. An
 * address names no role at its top, so it is no access token.
 *
 * @param jwtSecret HS256
 */
export function createAddressSigner(jwtSecret: string): AddressSigner {
  const key = new TextEncoder().encode(jwtSecret);
  return {
    sign: (path, { role, sub, session_id, aal }, seconds) =>
      new SignJWT({ intent: 'download', by: { role, sub, session_id, aal } })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(path)
        .setIssuedAt()
        .setExpirationTime(`${seconds} s`)
        .sign(key),
    async read(token, path) {
      try {
        const { payload: said } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          requiredClaims: ['exp'],
        });
        const { sub, by } = payload.parse(said);
        return sub === path ? (by as Claims) : null;
      } catch {
        return null;
      }
    },
  };
}
