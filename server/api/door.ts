/**
 * The door of `/rest/v1`: what comes through has a known method and path, a query that was read by PostgREST's grammar,
 * and a body that was read as JSON. @supabase/lite is handed nothing else.
 */
import { Hono, type Context } from 'hono';
import type { SupabaseApi } from '../supabase-lite.ts';
import { FairTurns } from '../http/fair-turns.ts';
import { refusal, tooManyRequests } from '../http/refusal.ts';
import type { ReadBearer } from '../http/turns.ts';
import { BadQuery } from './bad-query.ts';
import { Bodies } from './body.ts';
import { isInherited } from './names.ts';
import { choosesRows, readQuery, type Target } from './query.ts';
import { unsealWithin } from './sealed.ts';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const METHODS: Readonly<Record<'table' | 'function', ReadonlySet<string>>> = {
  table: new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']),
  function: new Set(['GET', 'HEAD', 'POST']),
};
/** The methods that change rows which they must choose, by the SQL that they stand for. */
const CHANGES: ReadonlyMap<string, string> = new Map([
  ['PATCH', 'UPDATE'],
  ['DELETE', 'DELETE'],
]);
const PATH = /^\/rest\/v1\/(rpc\/)?([\p{L}_][\p{L}\p{N}_]*)$/u;
/** The one schema that is served. */
const SCHEMA = 'public';

export interface DoorOptions extends Pick<SupabaseApi, 'fetch' | 'relations'> {
  /** Keys of the project: a request without one has no right to have its body read. */
  keys: readonly string[];
  readBearer: ReadBearer;
  /** Clock, milliseconds. */
  now: () => number;
}

/** Makes the routes of `/rest/v1`. */
export function createRestDoor({ fetch, relations, keys, readBearer, now }: DoorOptions): Hono {
  const turns = new FairTurns(now);
  const bodies = new Bodies();
  return new Hono().all('*', async (context) => {
    const { raw, method } = context.req;
    const url = new URL(raw.url);
    const place = placeOf(url.pathname);
    if (!place) return NOTHING_HERE();
    const target = { ...place, relations: await relations() };
    const allowed = METHODS[target.isFunction ? 'function' : 'table'];
    if (!allowed.has(method)) return methodNotAllowed(allowed);
    const foreign = foreignSchema(raw.headers);
    if (foreign !== null) return schemaNotServed(foreign);
    const bare = { method, headers: asServed(raw.headers) };
    const readSearch = (): void => {
      url.search = readQuery(url.searchParams, target, READS.has(method)).toString();
    };
    if (!keys.includes(keyOf(context))) {
      return orBadQuery(async () => {
        readSearch();
        return fetch(new Request(url, bare));
      });
    }
    const bearer = await readBearer(context);
    const body = READS.has(method) ? '' : await bodies.read(raw, url.pathname, bearer);
    if (body instanceof Response) return body;
    const turn = await turns.take(bearer.key, bearer.isStranger);
    if (!turn) return tooManyRequests();
    try {
      if (raw.signal.aborted) return tooManyRequests();
      return await orBadQuery(async () => {
        // In its turn, since reading a long query takes the one thread as long as serving a short one.
        readSearch();
        const verb = CHANGES.get(method);
        if (verb && target.relations.has(target.name) && !choosesRows(url.searchParams))
          return wholeTable(verb);
        return withoutSeals(await fetch(new Request(url, { ...bare, ...(body !== '' && { body }) })));
      });
    } finally {
      turn.end();
    }
  });
}

/** Answers what was asked, or why the query was refused. */
async function orBadQuery(answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof BadQuery) return badQuery(error);
    throw error;
  }
}

function placeOf(path: string): Omit<Target, 'relations'> | null {
  const [, rpc, name] = PATH.exec(decoded(path)) ?? [];
  return name === undefined || isInherited(name) ? null : { name, isFunction: rpc !== undefined };
}

/** A path with its percent signs read; empty for one that cannot be. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

/** Danger: what the planner estimates is of all rows, those of other groups too; rows are counted. */
function asServed(given: Headers): Headers {
  const headers = new Headers(given);
  const prefer = headers.get('prefer');
  if (prefer) headers.set('prefer', prefer.replaceAll(/count\s*=\s*(?:planned|estimated)/gi, 'count=exact'));
  return headers;
}

/** @supabase/lite tells the address it was asked under, and quotes from it in its refusals. */
async function withoutSeals(response: Response): Promise<Response> {
  response.headers.delete('content-location');
  if (response.status < 400) return response;
  const text = unsealWithin(await response.text());
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(text, { status: response.status, headers });
}

/** @supabase/lite looks at one of these headers to judge a request, and at the other one to serve it. */
function foreignSchema(headers: Headers): string | null {
  const asked = [headers.get('accept-profile'), headers.get('content-profile')];
  return asked.find((schema) => schema !== null && schema !== SCHEMA) ?? null;
}

function keyOf({ req }: Context): string {
  return req.header('apikey') ?? req.query('apikey') ?? '';
}

const NOTHING_HERE = (): Response => refusal(404, { code: 'not_found', message: 'Nothing is served here.' });

function methodNotAllowed(allowed: ReadonlySet<string>): Response {
  const list = [...allowed, 'OPTIONS'].join(', ');
  return refusal(
    405,
    { code: 'method_not_allowed', message: 'Cette méthode n’est pas proposée.', hint: `Use ${list}.` },
    { allow: list },
  );
}

function schemaNotServed(schema: string): Response {
  return refusal(406, {
    code: 'PGRST106',
    message: `Invalid schema: ${schema}`,
    hint: `Only the following schemas are exposed: ${SCHEMA}`,
  });
}

/** As hosted Supabase, whose extension `safeupdate` refuses it: a forgotten filter must not change all rows. */
function wholeTable(verb: string): Response {
  return refusal(400, { code: '21000', message: `${verb} requires a WHERE clause` });
}

function badQuery({ code, message, hint }: BadQuery): Response {
  return refusal(400, { code, message, hint });
}
