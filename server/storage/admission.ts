import { CLOSE, refusedByPolicy } from './caller.ts';

/** How often the database hears that bytes still come, milliseconds: three times in the two minutes it waits. */
const KEEP_MS = 40_000;

/** An upload that the database has admitted; its path is taken until it ends. */
export interface Admission {
  /** Most bytes that the file may have. */
  most: number;
  /**
   * Gives the path free.
   *
   * @returns whether the object is recorded, or null when the database does not answer
   */
  end(): Promise<boolean | null>;
}

/**
 * Asks the database, as the caller, whether a file of at least `least` bytes may be sent to `path`.
 *
 * @param request of the caller; its body is left alone
 * @returns the admission, or the answer that refuses
 */
export type Admit = (request: Request, path: string, least: number) => Promise<Admission | Response>;

export interface AdmissionOptions {
  /** Answers `/rest/v1/*`. */
  fetch: (request: Request) => Promise<Response>;
  secretKey: string;
}

/** The question before the first byte is `begin_upload()`, which judges by the rule of the policy. */
export function createAdmission({ fetch, secretKey }: AdmissionOptions): Admit {
  const service = { apikey: secretKey, authorization: `Bearer ${secretKey}` };

  return async (request, path, least) => {
    const call = (name: string, headers: Record<string, string>, parameters: object): Promise<Response> =>
      fetch(
        new Request(new URL(`/rest/v1/rpc/${name}`, request.url), {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ p_path: path, ...parameters }),
        }),
      );
    const answer = await call('begin_upload', keysOf(request), { p_size: least });
    if (!answer.ok) return refuse(answer);
    const most = Number(await answer.json());
    const keeping = setInterval(() => {
      // A lease that is not renewed only frees the path earlier: what is recorded is judged all the same.
      call('keep_upload', service, {}).catch(() => {});
    }, KEEP_MS).unref();
    return {
      most,
      async end() {
        clearInterval(keeping);
        try {
          const ended = await call('end_upload', service, {});
          return ended.ok ? ((await ended.json()) as boolean) : null;
        } catch {
          return null;
        }
      },
    };
  };
}

/** What says who calls. */
export function keysOf({ headers }: Request): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const name of ['apikey', 'authorization']) {
    const value = headers.get(name);
    if (value !== null) keys[name] = value;
  }
  return keys;
}

function refuse(answer: Response): Response {
  if (answer.status === 403 || answer.status === 401) return refusedByPolicy();
  const headers = new Headers(answer.headers);
  headers.delete('content-length');
  if (answer.status >= 500) headers.set('connection', CLOSE.connection);
  return new Response(answer.body, { status: answer.status, headers });
}
