import { Readable } from 'node:stream';

/** Longest beginning of a form, up to the first byte of its file, bytes. */
const LONGEST_HEAD = 16_384;

/** A form that is not what browsers and the official client send. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

/** A file on its way, of a size that is known before its bytes are. */
export interface FormFile {
  /** Bytes. */
  size: number;
  contentType: string;
  /** The form's other fields, all of which stand before the file. */
  fields: ReadonlyMap<string, string>;
  /** Fails with {@link FormError} when the form does not end behind the file. */
  body: ReadableStream<Uint8Array>;
}

/**
 * Opens the one file of a form without reading it. Its size follows from the form's own: the file comes last, and
 * how a form ends is fixed.
 *
 * @param body the form
 * @param length size of the whole form, bytes
 * @param boundary what separates its parts
 * @throws FormError
 */
export async function openForm(
  body: ReadableStream<Uint8Array>,
  length: number,
  boundary: string,
): Promise<FormFile> {
  const chunks = body[Symbol.asyncIterator]();
  let read = Buffer.alloc(0);
  let head: Head | null = null;
  while (!head) {
    const { value, done } = await chunks.next();
    if (done || read.length > LONGEST_HEAD) throw new FormError('The form holds no file');
    read = Buffer.concat([read, value]);
    head = parseHead(read, boundary);
  }
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const size = length - head.dataStart - end.length;
  if (size < 0) throw new FormError('The form has no end');
  const rest = async function* (first: Buffer): AsyncGenerator<Uint8Array> {
    yield first;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  };
  return {
    size,
    contentType: head.contentType,
    fields: head.fields,
    body: Readable.toWeb(
      Readable.from(fileOf(rest(read.subarray(head.dataStart)), size, end)),
    ) as ReadableStream<Uint8Array>,
  };
}

/** The first `size` bytes; what follows must be the end of the form. */
async function* fileOf(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
  end: Buffer,
): AsyncGenerator<Uint8Array> {
  let left = size;
  const tail: Uint8Array[] = [];
  for await (const chunk of chunks) {
    const part = chunk.subarray(0, left);
    if (part.byteLength > 0) yield part;
    if (part.byteLength < chunk.byteLength) tail.push(chunk.subarray(part.byteLength));
    left -= part.byteLength;
  }
  if (left > 0 || !Buffer.concat(tail).equals(end))
    throw new FormError('The form does not end after its file');
}

interface Head {
  fields: ReadonlyMap<string, string>;
  contentType: string;
  /** Where the file's bytes begin. */
  dataStart: number;
}

/** What stands before the file, or null while it has not arrived. */
function parseHead(read: Buffer, boundary: string): Head | null {
  const fields = new Map<string, string>();
  const separator = `--${boundary}\r\n`;
  let at = 0;
  for (;;) {
    if (read.length < at + separator.length) return null;
    if (read.toString('latin1', at, at + separator.length) !== separator) {
      throw new FormError('The form holds no file');
    }
    const headersEnd = read.indexOf('\r\n\r\n', at + separator.length);
    if (headersEnd < 0) return null;
    const headers = read.toString('utf8', at + separator.length, headersEnd);
    const dataStart = headersEnd + 4;
    if (/^content-disposition:.*;\s*filename\*?=/im.test(headers)) {
      const contentType = /^content-type:\s*(.+)$/im.exec(headers)?.[1]?.trim();
      return { fields, contentType: contentType || 'application/octet-stream', dataStart };
    }
    const dataEnd = read.indexOf(`\r\n--${boundary}`, dataStart);
    if (dataEnd < 0) return null;
    fields.set(/;\s*name="([^"]*)"/i.exec(headers)?.[1] ?? '', read.toString('utf8', dataStart, dataEnd));
    at = dataEnd + 2;
  }
}
