import type { Context } from 'hono';
import { refusal } from '../http/refusal.ts';
import { errorCode } from '../errors.ts';
import { writing } from './file-adapter.ts';
import { FormError, openForm } from './multipart.ts';

/** Largest object, bytes. */
export const LARGEST_OBJECT = 100 * 1_048_576;
/** What a form may add to its file, bytes. */
const FORM_OVERHEAD = 65_536;

/**
 * Takes uploads as browsers and the official client send them and hands them on as plain bodies of a declared
 * size: the policies then judge the true size before a byte is read, and nothing is held in memory.
 *
 * Law: one upload at a path at a time. Two at once would both pass the policies, and the row of one would stand
 * beside the bytes of the other.
 *
 * @param forward stores a plain body
 */
export function createUploadHandler(forward: (request: Request) => Promise<Response>) {
  const underWay = new Set<string>();
  return async ({ req: { raw, path } }: Context): Promise<Response> => {
    const length = Number(raw.headers.get('content-length') ?? Number.NaN);
    if (!Number.isSafeInteger(length)) return SIZE_UNKNOWN();
    if (length > LARGEST_OBJECT + FORM_OVERHEAD) return TOO_LARGE();
    if (underWay.has(path)) return IN_PROGRESS();
    underWay.add(path);
    try {
      const request = await toPlainBody(raw, length);
      if (Number(request.headers.get('content-length')) > LARGEST_OBJECT) return TOO_LARGE();
      const attempt: { failure?: unknown } = {};
      const response = await writing.run(attempt, () => forward(request));
      return 'failure' in attempt ? explain(attempt.failure, response) : response;
    } catch (error) {
      return explain(error);
    } finally {
      underWay.delete(path);
    }
  };
}

async function toPlainBody(raw: Request, length: number): Promise<Request> {
  const type = raw.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\b/i.test(type) || !raw.body) return raw;
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const file = await openForm(raw.body, length, boundary?.[1] ?? boundary?.[2] ?? '');
  const headers = new Headers(raw.headers);
  headers.set('content-type', file.contentType);
  headers.set('content-length', String(file.size));
  const seconds = file.fields.get('cacheControl');
  if (seconds && /^\d+$/.test(seconds)) headers.set('cache-control', `max-age=${seconds}`);
  const init = { method: raw.method, headers, body: file.body, duplex: 'half' };
  return new Request(raw.url, init);
}

function explain(failure: unknown, response?: Response): Response {
  if (failure instanceof FormError) {
    return refusal(400, { code: 'upload_malformed', message: failure.message }, CLOSE);
  }
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

/** What is left of the body is not waited for. */
const CLOSE = { connection: 'close' };
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
      message: 'Le fichier est trop volumineux.',
      hint: `A file has at most ${LARGEST_OBJECT} bytes.`,
    },
    CLOSE,
  );
const IN_PROGRESS = (): Response =>
  refusal(
    409,
    {
      code: 'upload_in_progress',
      message: 'Ce fichier est déjà en cours d’envoi.',
      hint: 'Wait for the other upload to end.',
    },
    CLOSE,
  );
