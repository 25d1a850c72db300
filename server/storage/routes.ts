import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { limitBody } from '../http/body-limit.ts';
import { FairTurns } from '../http/fair-turns.ts';
import { refusal, tooManyRequests } from '../http/refusal.ts';
import { type ReadBearer, inTurns } from '../http/turns.ts';
import type { Claims, VerifyToken } from '../tokens.ts';
import { createAdmission, keysOf } from './admission.ts';
import { type CallerEnv, requireCaller } from './caller.ts';
import type { FileStorage } from './file-adapter.ts';
import type { AddressSigner } from './signed-addresses.ts';
import { STORAGE_TURNS, TooManyWaiting, createTakerReader, withTurn } from './turns.ts';
import { createUploadHandler } from './upload.ts';

const BUCKET = 'documents';
/** Law: no dots and no percent signs, so that every reader of the path sees the same one. */
const KEY = ':key{[A-Za-z0-9_/-]+}';
const LARGEST_JSON = 65_536;
/** Longest life of a signed address: seven days, seconds. */
const LONGEST_SIGNED = 604_800;
/** Objects removed at once, and rows of one list, as hosted Storage has it. */
const MOST_AT_ONCE = 1_000;
/** Of the addresses of one request; each takes a turn. */
const SIGNED_AT_ONCE = 2;
const objectPath = z.string().regex(/^[\w/-]{1,300}$/);
const signing = z.object({ expiresIn: z.int().min(1).max(LONGEST_SIGNED) });
const signingMany = signing.extend({ paths: z.array(objectPath).max(100) });
const removal = z.object({ prefixes: z.array(objectPath).max(MOST_AT_ONCE) });
const listing = z.object({
  prefix: z.string().max(300).optional(),
  search: z.string().max(300).optional(),
  limit: z.int().min(1).max(MOST_AT_ONCE).optional(),
  offset: z.int().min(0).optional(),
  sortBy: z
    .object({
      column: z.enum(['name', 'created_at', 'updated_at', 'last_accessed_at']).default('name'),
      order: z.enum(['asc', 'desc']).default('asc'),
    })
    .optional(),
});

/** What a browser may be told that a file is. Danger: a script or a page of this origin would act as the app. */
const INERT_TYPES =
  /^(?:image\/(?!svg)|audio\/|video\/|text\/(?:plain|csv)\b|application\/(?:pdf|zip|msword|vnd\.))/i;

export interface StorageRoutesOptions {
  /** Stores and reads objects under the caller's policies. */
  fetch: (request: Request, as?: Claims) => Promise<Response>;
  /** Answers `/rest/v1/*`: what storage asks the database before and after an upload. */
  fetchRest: (request: Request) => Promise<Response>;
  files: Pick<FileStorage, 'deleteObject'>;
  verifyToken: VerifyToken;
  addresses: AddressSigner;
  publishableKey: string;
  secretKey: string;
  readBearer: ReadBearer;
  /** Clock, milliseconds. */
  now: () => number;
}

/**
 * The doors of `/storage/v1` that are open: upload, download, details, list, remove and addresses to read by, for
 * the bucket of the documents. Closed are those that would go around the reservation of a document's bytes
 * (addresses to upload by, copies, moves, replacement) and the administration of buckets, which migrations do.
 *
 * Law: nobody asks the database here without being signed in, or without an address that was signed here; and bearers
 * take turns at it, without one while a body comes or goes.
 */
export function createStorageRoutes(options: StorageRoutesOptions): Hono<CallerEnv> {
  const { fetch, addresses, publishableKey, secretKey, readBearer } = options;
  const turns = new FairTurns(options.now, STORAGE_TURNS);
  const turn = inTurns(turns, readBearer);
  /** A turn for a request whose body has come. */
  const turnOfBody: MiddlewareHandler = async (context, next) => {
    await context.req.text();
    return turn(context, next);
  };
  const readTaker = createTakerReader(turns, readBearer);
  /** A forged address is refused before the database is asked. */
  const readAddress: MiddlewareHandler<CallerEnv> = async (context, next) => {
    const signer = await addresses.read(context.req.query('token') ?? '', context.req.param('key') ?? '');
    if (!signer) return INVALID_ADDRESS();
    context.set('signer', signer);
    return next();
  };
  const pass = async (context: Context): Promise<Response> => mend(await fetch(context.req.raw));
  const download = async (context: Context): Promise<Response> => asAttachment(await pass(context));
  const sign = async (context: Context): Promise<Response> => {
    const asked = parse(signing, await context.req.text());
    return asked ? signOne(options, context.req.raw, asked.expiresIn) : INVALID_SIGNING();
  };
  const signMany = async (context: Context): Promise<Response> => {
    const asked = parse(signingMany, await context.req.text());
    if (!asked) return INVALID_SIGNING();
    const { raw } = context.req;
    const take = await readTaker(context);
    const signed: unknown[] = [];
    const left = asked.paths.entries();
    const signNext = async (): Promise<void> => {
      for (const [place, path] of left) {
        // @supabase/lite takes a request for several for one for a file without a name.
        const address = new URL(`/storage/v1/object/sign/${BUCKET}/${path}`, raw.url);
        const request = new Request(address, { method: 'POST', headers: raw.headers });
        const response = await withTurn(take, () => signOne(options, request, asked.expiresIn));
        const { signedURL = null, message } = (await response.json()) as {
          signedURL?: string;
          message?: string;
        };
        signed[place] = { path, signedURL, error: response.ok ? null : (message ?? 'Object not found') };
      }
    };
    try {
      await Promise.all(Array.from({ length: SIGNED_AT_ONCE }, signNext));
    } catch (error) {
      if (error instanceof TooManyWaiting) return tooManyRequests();
      throw error;
    }
    return Response.json(signed);
  };
  /** Hands on what was understood of a body, and nothing else that stood in it. */
  const passJson =
    (schema: z.ZodType) =>
    async ({ req }: Context): Promise<Response> => {
      const asked = parse(schema, await req.text());
      if (!asked) return INVALID_REQUEST();
      const headers = { ...keysOf(req.raw), 'content-type': 'application/json' };
      return mend(
        await fetch(new Request(req.url, { method: req.method, headers, body: JSON.stringify(asked) })),
      );
    };
  const upload = createUploadHandler({
    admit: createAdmission({ fetch: options.fetchRest, secretKey }),
    files: options.files,
    forward: async (request) => mend(await fetch(request)),
    readTaker,
  });
  /** Whether a confirmed document lies at this path. */
  const isStored = async ({ url }: Request, key: string): Promise<boolean> => {
    const asked = new URL(`/rest/v1/documents?select=id&status=eq.stored&storage_path=eq.${key}`, url);
    const headers = { apikey: secretKey, authorization: `Bearer ${secretKey}` };
    const answer = await options.fetchRest(new Request(asked, { headers }));
    return answer.ok && ((await answer.json()) as unknown[]).length === 1;
  };
  const json = limitBody(LARGEST_JSON);
  const signedIn = requireCaller(options.verifyToken, secretKey);
  return new Hono<CallerEnv>()
    .options('*', pass)
    .get(`/object/sign/${BUCKET}/${KEY}`, readAddress, turn, async (context) => {
      const path = context.req.param('key');
      if (!(await isStored(context.req.raw, path))) return INVALID_ADDRESS();
      // Law: who signed it is asked again, so an address is worth what its signer may read now.
      const { url, method, headers } = context.req.raw;
      const address = new URL(`/storage/v1/object/${BUCKET}/${path}`, url);
      const request = new Request(address, { method, headers: withoutCredentials(headers) });
      const response = await fetch(request, context.var.signer);
      return response.status === 400 || response.status === 404 ? INVALID_ADDRESS() : asAttachment(response);
    })
    .use('*', requireKey([publishableKey, secretKey]))
    .post(`/object/list/${BUCKET}`, signedIn, json, turnOfBody, passJson(listing))
    .post(`/object/sign/${BUCKET}`, signedIn, json, signMany)
    .post(`/object/sign/${BUCKET}/${KEY}`, signedIn, json, turnOfBody, sign)
    .get(`/object/info/${BUCKET}/${KEY}`, signedIn, turn, pass)
    .delete(`/object/${BUCKET}`, signedIn, json, turnOfBody, passJson(removal))
    .post(`/object/${BUCKET}/${KEY}`, signedIn, upload)
    .get(`/object/${BUCKET}/${KEY}`, signedIn, turn, download)
    .all('*', () => refusal(404, { code: 'not_found', message: 'Nothing is served here.' }));
}

/** REST's rule, which @supabase/lite does not apply to storage: whoever asks names the project by a key. */
function requireKey(keys: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    if (keys.includes(context.req.header('apikey') ?? '')) return next();
    return refusal(401, { code: 'api_key_required', message: 'The header apikey is missing or wrong.' });
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, body: string): z.infer<Schema> | null {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

/** The official client reads the code of a refusal from `code`. */
async function mend(response: Response): Promise<Response> {
  if (response.ok || !response.headers.get('content-type')?.includes('application/json')) return response;
  const text = await response.text();
  // The answer to HEAD has no body.
  if (text === '') return new Response(null, response);
  const body = JSON.parse(text) as { error?: string; code?: string };
  const code = body.error === 'not_found' ? 'NoSuchKey' : body.error;
  return Response.json(
    { code, ...body },
    { status: response.status, headers: withoutLength(response.headers) },
  );
}

/** Makes an address to read by. The official client expects it as `signedURL`, relative to the API. */
async function signOne(
  { fetch, verifyToken, addresses, secretKey }: StorageRoutesOptions,
  { url, headers }: Request,
  expiresIn: number,
): Promise<Response> {
  const request = new Request(url, {
    method: 'POST',
    headers: withoutLength(headers),
    body: JSON.stringify({ expiresIn }),
  });
  const response = await fetch(request);
  if (!response.ok) return mend(response);
  const token = /^Bearer\s+((?!sb_).+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  const anonymous = { role: headers.get('apikey') === secretKey ? 'service_role' : 'anon' };
  const signer = token === undefined ? anonymous : await verifyToken(token);
  const path = new URL(url).pathname.replace(`/storage/v1/object/sign/${BUCKET}/`, '');
  const signed = await addresses.sign(path, signer, expiresIn);
  return Response.json({ signedURL: `/object/sign/${BUCKET}/${path}?token=${signed}` });
}

function withoutCredentials(headers: Headers): Headers {
  const copy = new Headers(headers);
  for (const name of ['authorization', 'apikey']) copy.delete(name);
  return copy;
}

function withoutLength(headers: Headers): Headers {
  const copy = new Headers(headers);
  copy.delete('content-length');
  return copy;
}

function asAttachment(response: Response): Response {
  if (!response.ok) return response;
  const headers = new Headers(response.headers);
  headers.set('content-disposition', 'attachment');
  headers.set('cache-control', 'private, no-cache');
  if (!INERT_TYPES.test(headers.get('content-type') ?? '')) {
    headers.set('content-type', 'application/octet-stream');
  }
  return new Response(response.body, { status: response.status, headers });
}

const INVALID_ADDRESS = (): Response =>
  refusal(400, { code: 'invalid_signature', message: 'This address is not, or no longer, valid.' });
const INVALID_REQUEST = (): Response =>
  refusal(400, {
    code: 'validation_failed',
    message: 'The request is not one that the official client makes.',
  });
const INVALID_SIGNING = (): Response =>
  refusal(400, {
    code: 'validation_failed',
    message: `The request must give expiresIn, from 1 to ${LONGEST_SIGNED} seconds, and at most 100 paths.`,
  });
