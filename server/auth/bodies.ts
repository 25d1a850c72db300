/** What may stand in the body of a request to `/auth/v1`; fields that are not named are not read. */
import type { Context } from 'hono';
import { z } from 'zod';
import { AuthError } from './errors.ts';

/** Text that PostgreSQL can store: it knows no NUL. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[^\0]*$/);
const password = text(1_000);

export const passwordGrant = z.object({ email: text(320), password });
export const refreshGrant = z.object({ refresh_token: text(255) });
export const logoutScope = z.enum(['global', 'local', 'others']);
export const userChange = z.object({
  password,
  current_password: password.nullish().transform((v) => v ?? undefined),
});
export const newFactor = z.object({
  factor_type: z.literal('totp'),
  friendly_name: text(100)
    .nullish()
    .transform((v) => v ?? undefined),
  issuer: text(100)
    .regex(/^[^:]*$/)
    .nullish()
    .transform((v) => v ?? undefined),
});
export const factorId = z.uuid();
export const factorAnswer = z.object({ challenge_id: z.uuid(), code: text(20) });

/**
 * Reads the body of a request.
 *
 * @param wanted what it must give, for the refusal
 * @throws AuthError `validation_failed`
 */
export async function readBody<Schema extends z.ZodType>(
  context: Context,
  schema: Schema,
  wanted: string,
): Promise<z.output<Schema>> {
  let body: unknown;
  try {
    body = JSON.parse(await context.req.text());
  } catch {
    throw malformed(wanted);
  }
  return read(schema, body, wanted);
}

/** As {@link readBody}, of a value that was read already. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  wanted: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw malformed(wanted);
  return result.data;
}

const malformed = (wanted: string): AuthError =>
  new AuthError(400, 'validation_failed', `The request must give ${wanted}.`);
