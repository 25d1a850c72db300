import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FormError, openForm } from './multipart.ts';

/** The form as fetch writes it, in pieces of so many bytes. */
async function open(form: FormData, step: number) {
  const { headers, body } = new Response(form);
  const bytes = await buffer(body ?? Readable.from([]));
  const boundary = headers.get('content-type')?.split('boundary=')[1] ?? '';
  return openForm(inPieces(bytes, step), bytes.length, boundary);
}

function inPieces(bytes: Buffer, step: number): ReadableStream<Uint8Array> {
  const count = Math.ceil(bytes.length / step);
  const pieces = Array.from({ length: count }, (_, n) => bytes.subarray(n * step, (n + 1) * step));
  return Readable.toWeb(Readable.from(pieces)) as ReadableStream<Uint8Array>;
}

function formOf(content: string): FormData {
  const form = new FormData();
  form.append('cacheControl', '3600');
  form.append('', new File([content], 'été "1".pdf', { type: 'application/pdf' }));
  return form;
}

describe('a form', () => {
  it.each([1, 2, 7, 64, 10_000])(
    'in pieces of %i bytes gives its file and size before the bytes',
    async (step) => {
      for (const content of ['', '\r\n--', 'x'.repeat(1_000), '\r\n\r\n--boundary--\r\n']) {
        const file = await open(formOf(content), step);
        expect([file.size, file.contentType]).toEqual([Buffer.byteLength(content), 'application/pdf']);
        expect(file.fields.get('cacheControl')).toBe('3600');
        expect((await buffer(file.body)).toString()).toBe(content);
      }
    },
  );

  it('without a file is refused', async () => {
    const form = new FormData();
    form.append('a', 'b');
    await expect(open(form, 10)).rejects.toThrow(FormError);
    await expect(openForm(inPieces(Buffer.alloc(100_000, 'x'), 1_000), 100_000, 'b')).rejects.toThrow(
      FormError,
    );
  });

  it('that has more behind its file, or stops before, fails while it is read', async () => {
    const start = '--b\r\ncontent-disposition: form-data; name=""; filename="a"\r\n\r\n';
    for (const [rest, length] of [
      ['bytes\r\n--b\r\ncontent-disposition: form-data; name="c"\r\n\r\nd\r\n--b--', 0],
      ['bytes', 20],
    ] as const) {
      const bytes = Buffer.from(start + rest);
      const file = await openForm(inPieces(bytes, 30), bytes.length + length, 'b');
      await expect(buffer(file.body)).rejects.toThrow(FormError);
    }
  });
});
