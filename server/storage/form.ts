import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';

/** Longest beginning of a form, up to the first byte of its file, bytes. */
const LONGEST_HEAD = 65_536;
/** What may stand before the file. The official client sends two fields of a few bytes. */
const LIMITS = {
  fields: 8,
  fieldNameSize: 100,
  fieldSize: 16_384,
  files: 1,
  parts: 9,
  headerPairs: 20,
  headerSize: 8_192,
};

/** A form that is not what browsers and the official client send. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

/** The one file of a form, on its way. */
export interface FormFile {
  /** As the form says; nobody has checked it. */
  contentType: string;
  /** Seconds that a reader may keep the file, when the form says so. */
  cacheSeconds: string | undefined;
  /** Ends when the form has ended well behind its file; fails with {@link FormError} otherwise. */
  body: AsyncIterable<Uint8Array>;
}

/**
 * Opens the one file of a form. The fields stand before it. No more of the form is in memory than one chunk.
 *
 * @param form the form's bytes
 * @param contentType the request's content type, which names the boundary
 * @throws FormError when there is no file, or too much before it
 */
export async function openForm(form: ReadableStream<Uint8Array>, contentType: string): Promise<FormFile> {
  const parser = createParser(contentType);
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const stop = (message: string, cause?: unknown): void => stopped.reject(new FormError(message, { cause }));
  parser.on('error', (cause) => stop('The form has no end', cause));
  for (const event of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const) {
    parser.on(event, () => stop('The form has too many parts'));
  }
  let opened = false;
  let cacheSeconds: string | undefined;
  parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
    if (opened) stop('A field stands after the file');
    else if (valueTruncated) stop('A field is too long');
    else if (name === 'cacheControl' && /^\d{1,9}$/.test(value)) cacheSeconds = value;
  });
  const file = new Promise<[BusboyFileStream, string]>((resolve) => {
    parser.on('file', (_name, stream, _filename, _encoding, type) => {
      opened = true;
      stream.on('error', (cause) => stop('The form has no end', cause));
      resolve([stream, type]);
    });
  });

  async function parse(): Promise<void> {
    const finished = new Promise<void>((resolve) => parser.on('finish', resolve));
    let head = 0;
    for await (const chunk of chunksOf(form)) {
      // Law: what is not yet a file is bounded; the parser would skip what stands before the first boundary.
      if (!opened && head > LONGEST_HEAD) throw new FormError('The form holds no file');
      head += chunk.byteLength;
      const written = new Promise<void>((resolve) => parser.write(chunk, () => resolve()));
      await Promise.race([written, stopped.promise]);
    }
    parser.end();
    await Promise.race([finished, stopped.promise]);
  }
  const parsed = parse();
  const [stream, type] = await Promise.race([
    file,
    parsed.then(() => {
      throw new FormError('The form holds no file');
    }),
  ]);

  async function* wholeFile(): AsyncGenerator<Uint8Array> {
    // A form that breaks off ends without its file's end.
    parsed.catch((error: Error) => stream.destroy(error));
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
      await parsed;
    } catch (error) {
      await parsed;
      throw error;
    } finally {
      stop('Nobody reads the file any more');
    }
  }
  return { contentType: type, cacheSeconds, body: wholeFile() };
}

function createParser(contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
  } catch (cause) {
    throw new FormError('The form names no boundary', { cause });
  }
}

/**
 * The chunks of a body. Danger: `for await` over the stream itself cancels it when the loop is left, and the
 * adapter that Node puts around a request then throws where nobody can catch it.
 */
export async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.releaseLock();
  }
}
