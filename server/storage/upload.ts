import { ReadableStream as WebStream } from 'node:stream/web';
import type { Context } from 'hono';
import { errorCode } from '../errors.ts';
import { extendDuration } from '../http/listener.ts';
import { refusal, tooManyRequests } from '../http/refusal.ts';
import { type Admission, type Admit, keysOf } from './admission.ts';
import { type CallerEnv, CLOSE, refusedByPolicy } from './caller.ts';
import { type FileStorage, type Writing, writing } from './file-adapter.ts';
import { FormError, chunksOf, openForm } from './form.ts';
import { LARGEST_DOCUMENT } from './limits.ts';
import { BrokenTurn, type ReadTaker, type TakeTurn, TooManyWaiting, withTurn } from './turns.ts';

/** What a form may add to its file, bytes; `private.least_size()` says the same. */
const FORM_OVERHEAD = 65_536;
/** Uploads of one account at a time: as many connections as a browser opens to one origin. */
const MOST_AT_ONCE = 6;
const FORM = /^multipart\/form-data\b/i;
/** A type as a file has one. Danger: @supabase/lite reads what calls itself a form into memory. */
const FILE_TYPE = /^(?!multipart\/)[\w.+-]+\/[\w.+-]+(?:\s*;[ -~]*)?$/i;
const LONGEST_HEADER = 120;
const UNKNOWN_TYPE = 'application/octet-stream';

/** More bytes came than the reservation has room for. */
class OversizeError extends Error {
  override readonly name = 'OversizeError';
}

export interface UploadOptions {
  admit: Admit;
  files: Pick<FileStorage, 'deleteObject'>;
  /** Stores a plain body. */
  forward: (request: Request) => Promise<Response>;
  readTaker: ReadTaker;
}

/** An upload that asks to begin. */
interface Arrival {
  raw: Request;
  path: string;
  caller: string | null;
  take: TakeTurn;
}

/** A file as it comes, in a form or as it is. */
interface Incoming {
  contentType: string | null;
  cacheControl: string | null;
  bytes: AsyncIterable<Uint8Array>;
}

/**
 * Takes uploads as browsers and the official client send them. First the database is asked whether this caller may
 * send so many bytes to this path; then the bytes go to the disk one chunk at a time, never more of them than are
 * reserved, under headers of ours.
 *
 * Law: one upload at a path at a time. Two at once would both pass the policies, and the row of one would stand
 * beside the bytes of the other.
 *
 * An upload has a turn at the database for its question and for its record, never while its bytes come.
 */
export function createUploadHandler({ admit, files, forward, readTaker }: UploadOptions) {
  /** Paths whose bytes come, and who sends them. */
  const underWay = new Map<string, string | null>();
  const atOnce = new Map<string, number>();

  async function store({ raw, path, take }: Arrival, admission: Admission): Promise<Response> {
    const turn = new BrokenTurn(take);
    const attempt: Writing = { turn };
    let response: Response;
    try {
      response = await writing.run(attempt, async () => {
        const request = await toPlainRequest(raw, admission.most);
        await turn.begin();
        return forward(request);
      });
      if ('failure' in attempt) response = explain(attempt.failure, response);
    } catch (error) {
      response = explain(error);
    } finally {
      turn.end();
      const recorded = await endInTurn(admission, take);
      // Bytes whose row was refused go at once. When the database is silent, they wait for the sweep.
      if (attempt.stored && recorded === false) {
        await files.deleteObject(attempt.stored.bucket, attempt.stored.key, undefined);
      }
      underWay.delete(path);
    }
    return response;
  }

  async function begin(arrival: Arrival, least: number, env: unknown): Promise<Response> {
    const { raw, path, caller, take } = arrival;
    // The sender alone hears it from here; the database judges first what others may know.
    if (underWay.has(path) && underWay.get(path) === caller) return IN_PROGRESS();
    const admission = await withTurn(take, () => admit(raw, path, least));
    if (admission instanceof Response) return admission;
    if (underWay.has(path)) {
      // The database has let go of the other upload, which is not over here.
      await endInTurn(admission, take);
      return IN_PROGRESS();
    }
    underWay.set(path, caller);
    extendDuration(env);
    return store(arrival, admission);
  }

  async function receive(context: Context<CallerEnv>): Promise<Response> {
    const { raw } = context.req;
    const declared = raw.headers.get('content-length');
    const length = Number(declared ?? Number.NaN);
    if (!Number.isSafeInteger(length)) return SIZE_UNKNOWN();
    const least = isForm(raw) ? Math.max(0, length - FORM_OVERHEAD) : length;
    if (least > LARGEST_DOCUMENT) return TOO_LARGE();
    const path = context.req.param('key') ?? '';
    const take = await readTaker(context);
    try {
      return await begin({ raw, path, caller: context.var.caller, take }, least, context.env);
    } catch (error) {
      return explain(error);
    }
  }

  return async (context: Context<CallerEnv>): Promise<Response> => {
    const { caller } = context.var;
    if (caller === null) return receive(context);
    const others = atOnce.get(caller) ?? 0;
    if (others >= MOST_AT_ONCE) return TOO_MANY();
    atOnce.set(caller, others + 1);
    try {
      return await receive(context);
    } finally {
      const left = (atOnce.get(caller) ?? 1) - 1;
      if (left > 0) atOnce.set(caller, left);
      else atOnce.delete(caller);
    }
  };
}

/** Gives an admitted path free, in a turn; without one when none can be had, for it must not stay taken. */
async function endInTurn(admission: Admission, take: TakeTurn): Promise<boolean | null> {
  const turn = await take();
  try {
    return await admission.end();
  } finally {
    turn?.end();
  }
}

function isForm({ headers }: Request): boolean {
  return FORM.test(headers.get('content-type') ?? '');
}

/** The file under headers of ours: what else the caller says (replace it, it is encoded, …) does not count. */
async function toPlainRequest(raw: Request, most: number): Promise<Request> {
  const { contentType, cacheControl, bytes } = await open(raw);
  const headers: Record<string, string> = { ...keysOf(raw), 'content-type': fileType(contentType) };
  if (cacheControl && cacheControl.length <= LONGEST_HEADER) headers['cache-control'] = cacheControl;
  const body = WebStream.from(atMost(bytes, most)) as ReadableStream<Uint8Array>;
  const init = { method: 'POST', headers, body, duplex: 'half' };
  return new Request(raw.url, init);
}

async function open(raw: Request): Promise<Incoming> {
  const contentType = raw.headers.get('content-type');
  const body = raw.body ?? new ReadableStream({ start: (controller) => controller.close() });
  if (contentType === null || !isForm(raw)) {
    return { contentType, cacheControl: raw.headers.get('cache-control'), bytes: chunksOf(body) };
  }
  const file = await openForm(body, contentType);
  const cacheControl = file.cacheSeconds === undefined ? null : `max-age=${file.cacheSeconds}`;
  return { contentType: file.contentType, cacheControl, bytes: file.body };
}

function fileType(type: string | null): string {
  return type !== null && type.length <= LONGEST_HEADER && FILE_TYPE.test(type) ? type : UNKNOWN_TYPE;
}

async function* atMost(bytes: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > most) throw new OversizeError();
    yield chunk;
  }
}

function explain(failure: unknown, response?: Response): Response {
  if (failure instanceof OversizeError) return refusedByPolicy();
  if (failure instanceof FormError) {
    return refusal(400, { code: 'upload_malformed', message: failure.message }, CLOSE);
  }
  if (failure instanceof TooManyWaiting) return tooManyRequests();
  switch (errorCode(failure)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refusal(
        507,
        {
          code: 'storage_full',
          message: 'Le disque du serveur est plein ; le fichier n’a pas été enregistré.',
          hint: 'The operator has to free space where the data directory lies.',
        },
        CLOSE,
      );
    default:
      if (!response) throw failure;
      return response;
  }
}

const SIZE_UNKNOWN = (): Response =>
  refusal(
    411,
    {
      code: 'length_required',
      message: 'La taille du fichier doit être annoncée.',
      hint: 'Send a Blob, a File or an ArrayBuffer, not a stream.',
    },
    CLOSE,
  );
const TOO_LARGE = (): Response =>
  refusal(
    413,
    {
      code: 'body_too_large',
      message: 'Le fichier est trop volumineux : 50 Mio au plus.',
      hint: `A file has at most ${LARGEST_DOCUMENT} bytes.`,
    },
    CLOSE,
  );
const IN_PROGRESS = (): Response =>
  refusal(409, {
    code: 'upload_in_progress',
    message: 'Ce fichier est déjà en cours d’envoi.',
    hint: 'Wait for the other upload to end.',
  });
const TOO_MANY = (): Response =>
  refusal(
    429,
    {
      code: 'too_many_uploads',
      message: 'Trop de fichiers sont envoyés à la fois ; attendez qu’un envoi se termine.',
      hint: `An account sends at most ${MOST_AT_ONCE} files at once.`,
    },
    { ...CLOSE, 'retry-after': '1' },
  );
