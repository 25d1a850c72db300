import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileStorage, openFileStorage } from './file-adapter.ts';

let parent: string;
let root: string;
let files: FileStorage;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'epilot-files-'));
  root = join(parent, 'storage');
  files = openFileStorage(root);
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const put = (key: string, body: Uint8Array | Readable) =>
  files.uploadObject('documents', key, undefined, toBody(body), 'text/plain', 'max-age=60');
const toBody = (body: Uint8Array | Readable) => (body instanceof Readable ? Readable.toWeb(body) : body);
const everything = () => readdir(root, { recursive: true });
const read = async (key: string) => {
  const { body } = await files.getObject('documents', key, undefined);
  return body ? text(body as AsyncIterable<Uint8Array>) : null;
};
const keysOf = async (bucket: string) => {
  const keys: string[] = [];
  for await (const { key } of files.list(bucket)) keys.push(key);
  return keys;
};
async function* failing(code: string): AsyncGenerator<Buffer> {
  yield Buffer.from('half');
  throw Object.assign(new Error('write failed'), { code });
}

describe('files of stored objects', () => {
  it('keep bytes, type, size and a digest, for their user alone', async () => {
    const stored = await put('a/b', Readable.from([Buffer.from('one '), Buffer.from('two')]));
    expect(stored).toMatchObject({
      size: 7,
      contentLength: 7,
      mimetype: 'text/plain',
      cacheControl: 'max-age=60',
    });
    expect(stored.eTag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(await read('a/b')).toBe('one two');
    expect((await stat(join(root, 'documents', 'a%2Fb', 'content'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, 'documents'))).mode & 0o777).toBe(0o700);
  });

  it.each(['../../secret', '..', '.', '/etc/passwd', 'a\0b', '.incoming/x'])(
    'stay inside for the key %j',
    async (key) => {
      await put(key, Buffer.from('x'));
      expect(await read(key)).toBe('x');
      expect(await readdir(parent)).toEqual(['storage']);
      expect(await readdir(join(root, 'documents'))).toHaveLength(1);
    },
  );

  it.each(['', 'x'.repeat(300), '\ud800'])('are not made for a key that no file can have', async (key) => {
    await expect(put(key, Buffer.from('x'))).rejects.toThrow(/cannot be called that|malformed/);
    expect(await everything()).toEqual(['.incoming']);
  });

  it.each(['ENOSPC', 'EIO'])('are not there at all when writing fails with %s', async (code) => {
    await expect(put('a', Readable.from(failing(code)))).rejects.toMatchObject({ code });
    expect([await read('a'), await everything()]).toEqual([null, ['.incoming']]);
  });

  it('that were there stay as they were when their replacement fails', async () => {
    await put('a', Buffer.from('first'));
    await expect(put('a', Readable.from(failing('ENOSPC')))).rejects.toThrow('write failed');
    expect(await read('a')).toBe('first');
    await put('a', Buffer.from('second'));
    expect(await read('a')).toBe('second');
  });

  it('that a killed server left half written go at the next start', async () => {
    await mkdir(join(root, '.incoming', 'half'));
    await writeFile(join(root, '.incoming', 'half', 'content'), 'ha');
    openFileStorage(root);
    expect(await everything()).toEqual(['.incoming']);
  });

  it('may be left in the middle of reading: nothing throws behind the reader’s back', async () => {
    await put('a', Buffer.alloc(1_000_000));
    for (let n = 0; n < 50; n += 1) {
      const { body } = await files.getObject('documents', 'a', undefined);
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      for (let chunks = 0; chunks < n % 10; chunks += 1) await reader.read();
      void reader.read();
      await reader.cancel();
    }
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('are copied, listed, and deleted as often as one likes', async () => {
    await put('a/b', Buffer.from('x'));
    await files.copyObject('documents', 'a/b', undefined, 'documents', 'c', undefined);
    expect((await keysOf('documents')).toSorted()).toEqual(['a/b', 'c']);
    for (let n = 0; n < 2; n += 1) await files.deleteObject('documents', 'c', undefined);
    await files.deleteObjects('documents', ['a/b', 'nothing']);
    expect(await keysOf('documents')).toEqual([]);
    expect(await keysOf('never')).toEqual([]);
  });
});
