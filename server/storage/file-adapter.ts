/**
 * Keeps stored objects as files: `<root>/<bucket>/<key, percent-encoded>/`, with the bytes in `content` and what
 * is known of them in `about.json`. An object is written aside and moved into place by one rename, so that it is
 * there whole or not at all, after a crash or a full disk too.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { cp, mkdir, open, opendir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReadableStream as WebStream } from 'node:stream/web';
import type { App } from '@supabase/lite';
import { errorCode, explainFileError } from '../errors.ts';
import type { BrokenTurn } from './turns.ts';

type StorageAdapter = NonNullable<App['_storageAdapter']>;
type ObjectMetadata = Awaited<ReturnType<StorageAdapter['headObject']>>;
type ObjectBody = Parameters<StorageAdapter['uploadObject']>[3];

const INCOMING = '.incoming';
const CONTENT = 'content';
const ABOUT = 'about.json';
/** A directory entry has at most 255 bytes on every file system in use. */
const LONGEST_NAME = 255;

/** What is written beside an object. */
interface About {
  mimetype: string;
  cacheControl: string;
  size: number;
  eTag: string;
}

/** What became of the writing of one upload: @supabase/lite tells of a failure in words of its own. */
export interface Writing {
  failure?: unknown;
  /** The object whose bytes lie on the disk; whether its row was written, the adapter does not learn. */
  stored?: { bucket: string; key: string };
  /** The turn at the database that the upload has but for the time in which its bytes come. */
  turn?: Pick<BrokenTurn, 'begin' | 'end'>;
}
export const writing = new AsyncLocalStorage<Writing>();

export interface StoredFile {
  key: string;
  modifiedAt: Date;
}

export interface FileStorage extends StorageAdapter {
  /** The objects of a bucket that lie on the disk, in no order. */
  list(bucket: string): AsyncGenerator<StoredFile>;
}

/**
 * Opens the files of stored objects. What a killed server left half written is thrown away, so no other process
 * may work on the same directory.
 *
 * @param root absolute path; made when missing, for this user alone
 * @returns `uploadObject` rejects with the file system's error (`ENOSPC` when the disk is full) or the body's own,
 *   and leaves nothing then; `getObject` of what is not there has no body; `deleteObject` may be said twice
 * @throws ServerError `disk_unusable` or `data_dir_unusable`
 */
export function openFileStorage(root: string): FileStorage {
  const incoming = join(root, INCOMING);
  try {
    rmSync(incoming, { recursive: true, force: true });
    mkdirSync(incoming, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explainFileError(error, root);
  }
  const placeOf = (bucket: string, key: string): string => join(root, encodeName(bucket), encodeName(key));

  /** Moves a finished object into its place; one that lies there goes. */
  async function settle(made: string, bucket: string, key: string): Promise<void> {
    const place = placeOf(bucket, key);
    await mkdir(join(root, encodeName(bucket)), { recursive: true, mode: 0o700 });
    await rm(place, { recursive: true, force: true });
    await rename(made, place);
  }

  /** Lets an object be made aside. Whatever fails, nothing of it stays. */
  async function make(bucket: string, key: string, fill: (directory: string) => Promise<void>) {
    const made = join(incoming, randomUUID());
    try {
      await mkdir(made, { mode: 0o700 });
      await fill(made);
      await settle(made, bucket, key);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      throw error;
    }
  }

  async function headObject(bucket: string, key: string): Promise<ObjectMetadata> {
    const place = placeOf(bucket, key);
    const about = JSON.parse(await readFile(join(place, ABOUT), 'utf8')) as About;
    const { mtime } = await stat(join(place, CONTENT));
    return { ...about, contentLength: about.size, lastModified: mtime, httpStatusCode: 200 };
  }

  return {
    driver: null,
    headObject,

    async getObject(bucket, key) {
      try {
        const metadata = await headObject(bucket, key);
        const file = await open(join(placeOf(bucket, key), CONTENT));
        return { metadata, httpStatusCode: 200, body: WebStream.from(file.createReadStream()) };
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
        const metadata = { cacheControl: '', contentLength: 0, size: 0, mimetype: '', eTag: '' };
        return { metadata, httpStatusCode: 404 };
      }
    },

    async uploadObject(bucket, key, _version, body, mimetype, cacheControl) {
      const attempt = writing.getStore();
      attempt?.turn?.end();
      try {
        await make(bucket, key, async (directory) => {
          const { size, eTag } = await writeContent(join(directory, CONTENT), body);
          const about: About = { mimetype, cacheControl, size, eTag };
          await writeFile(join(directory, ABOUT), JSON.stringify(about), { mode: 0o600 });
        });
        if (attempt) attempt.stored = { bucket, key };
        const stored = await headObject(bucket, key);
        await attempt?.turn?.begin();
        return stored;
      } catch (error) {
        if (attempt) attempt.failure = error;
        throw error;
      }
    },

    async deleteObject(bucket, key) {
      await rm(placeOf(bucket, key), { recursive: true, force: true });
    },

    async deleteObjects(bucket, keys) {
      for (const key of keys) await rm(placeOf(bucket, key), { recursive: true, force: true });
    },

    async copyObject(bucket, key, _version, toBucket, toKey) {
      await make(toBucket, toKey, (directory) => cp(placeOf(bucket, key), directory, { recursive: true }));
      const { eTag, lastModified, httpStatusCode } = await headObject(toBucket, toKey);
      return { eTag, ...(lastModified && { lastModified }), ...(httpStatusCode && { httpStatusCode }) };
    },

    privateAssetUrl: () => Promise.reject(new Error('Stored files have no address of their own')),

    async *list(bucket) {
      const directory = join(root, encodeName(bucket));
      try {
        for await (const { name } of await opendir(directory)) {
          const { mtime } = await stat(join(directory, name));
          yield { key: decodeURIComponent(name), modifiedAt: mtime };
        }
      } catch (error) {
        // Nothing was stored yet, or an object went while it was looked at.
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    },
  };
}

/** Writes to the disk itself, not only to its cache: a power cut after the answer must not lose the file. */
async function writeContent(path: string, body: ObjectBody): Promise<Pick<About, 'size' | 'eTag'>> {
  const hash = createHash('sha256');
  let size = 0;
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of chunksOf(body)) {
    hash.update(chunk);
    size += chunk.byteLength;
    await file.appendFile(chunk);
  }
  await file.sync();
  return { size, eTag: `"${hash.digest('hex')}"` };
}

function chunksOf(body: ObjectBody): AsyncIterable<Uint8Array> | Uint8Array[] {
  return body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>);
}

/**
 * A file name that cannot leave its directory and that tells which key it is.
 *
 * @throws Error for text that no file could be called by
 */
function encodeName(text: string): string {
  const name = encodeURIComponent(text).replaceAll('.', '%2E');
  if (name === '' || name.length > LONGEST_NAME) throw new Error('An object cannot be called that');
  return name;
}
