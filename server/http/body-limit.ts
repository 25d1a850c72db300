import type { MiddlewareHandler } from 'hono';
import { refusal } from './refusal.ts';

/**
 * Refuses bodies beyond a size with 413, before the handler sees them. A body that does not say how large it is
 * is read up to the limit first: whoever parses it later would answer a cut-off body in words of its own.
 *
 * @param longest bytes
 */
export function limitBody(longest: number): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req;
    const declared = raw.headers.get('content-length');
    if (declared !== null && Number(declared) > longest) return tooLarge(longest);
    if (declared === null && raw.body) {
      const body = await readUpTo(raw.body, longest);
      if (!body) return tooLarge(longest);
      context.req.raw = new Request(raw.url, { method: raw.method, headers: raw.headers, body });
    }
    return next();
  };
}

/**
 * Reads a body.
 *
 * @param longest bytes
 * @returns null when it is longer: what is left of it stays unread
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array>,
  longest: number,
): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > longest) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Makes the answer to a body of more than so many bytes. */
export function tooLarge(longest: number): Response {
  return refusal(
    413,
    {
      code: 'body_too_large',
      message: 'La requête est trop volumineuse.',
      hint: `Send at most ${longest} bytes at once.`,
    },
    // What is left of the body is not waited for.
    { connection: 'close' },
  );
}
