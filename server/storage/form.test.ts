import { ReadableStream as WebStream } from 'node:stream/web';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FormError, openForm } from './form.ts';

const TYPE = 'multipart/form-data; boundary=b';
const FILE = '--b\r\ncontent-disposition: form-data; name=""; filename="a"\r\n\r\n';
const FIELD = '--b\r\ncontent-disposition: form-data; name="c"\r\n\r\n';
const END = '\r\n--b--\r\n';

const toStream = (chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) =>
  WebStream.from(chunks) as ReadableStream<Uint8Array>;
/** Bytes in pieces of so many. */
function inPieces(bytes: Buffer, step: number): ReadableStream<Uint8Array> {
  const count = Math.ceil(bytes.length / step);
  const pieces = Array.from({ length: count }, (_, n) => bytes.subarray(n * step, (n + 1) * step));
  return toStream(pieces);
}
const open = (text: string, step = 1_000) => openForm(inPieces(Buffer.from(text), step), TYPE);
const read = async (text: string, step = 1_000) => buffer((await open(text, step)).body);

describe('a form', () => {
  it.each([1, 2, 7, 64, 10_000])('in pieces of %i bytes gives its file as it was', async (step) => {
    for (const content of ['', '\r\n--', 'x'.repeat(1_000), '\r\n\r\n--boundary--\r\n']) {
      const form = new FormData();
      form.append('cacheControl', '3600');
      form.append('', new File([content], 'été "1".pdf', { type: 'application/pdf' }));
      const { headers, body } = new Response(form);
      const bytes = await buffer(body ?? toStream([]));
      const file = await openForm(inPieces(bytes, step), headers.get('content-type') ?? '');
      expect([file.contentType, file.cacheSeconds]).toEqual(['application/pdf', '3600']);
      expect((await buffer(file.body)).toString()).toBe(content);
    }
  });

  it.each([
    ['has no file', `${FIELD}d${END}`],
    ['is nothing', ''],
    ['is not one', 'x'.repeat(200_000)],
    ['begins with too much', `${'x'.repeat(200_000)}\r\n${FILE}bytes${END}`],
    ['has a field without end', `${FIELD}${'d'.repeat(200_000)}`],
    ['has a long field', `${FIELD}${'d'.repeat(20_000)}\r\n${FILE}bytes${END}`],
    ['has many fields', `${`${FIELD}d\r\n`.repeat(20)}${FILE}bytes${END}`],
    ['has endless headers', `--b\r\ncontent-disposition: form-data; name="${'n'.repeat(200_000)}`],
    ['stops in its head', '--b\r\ncontent-disposition: form-data; name=""; file'],
    ['stops in its file', `${FILE}bytes`],
    ['stops before its end', `${FILE}bytes\r\n--b`],
    ['has a second file', `${FILE}bytes\r\n${FILE}more${END}`],
    ['has a field after its file', `${FILE}bytes\r\n${FIELD}d${END}`],
  ])('that %s is refused', async (_what, text) => {
    for (const step of [1_000, 65_536]) await expect(read(text, step)).rejects.toThrow(FormError);
  });

  it('without a boundary is refused', async () => {
    await expect(openForm(inPieces(Buffer.from('x'), 1), 'multipart/form-data')).rejects.toThrow(FormError);
  });

  it('is read no faster than its file is taken', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(FILE);
      for (; sent < 1_000; sent += 1) yield Buffer.alloc(65_536);
    }
    const { body } = await openForm(toStream(endless()), TYPE);
    const chunks = body[Symbol.asyncIterator]();
    for (let n = 0; n < 20; n += 1) await chunks.next();
    expect(sent).toBeLessThan(100);
    await expect(
      (async () => {
        for (let next = await chunks.next(); !next.done; next = await chunks.next());
      })(),
    ).rejects.toThrow(FormError);
  });

  it('whose reader gives up is not read any further, and its stream is left as it is', async () => {
    let taken = 0;
    const stream = toStream(
      (async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from(FILE);
        for (; ; taken += 1) yield Buffer.alloc(65_536);
      })(),
    );
    const { body } = await openForm(stream, TYPE);
    for await (const chunk of body) if (chunk.byteLength > 0) break;
    await expect.poll(() => stream.locked).toBe(false);
    expect(taken).toBeLessThan(10);
  });
});
