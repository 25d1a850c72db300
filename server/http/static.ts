import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { refusal } from './refusal.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const INCOMPRESSIBLE = new Set(['.ico', '.png', '.woff2']);
const INDEX = '/index.html';

type Encoding = 'br' | 'gzip';
/** How the build names the compressed copies of its files; see `vite.config.ts`. */
const COPIES: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz' };
const COMPRESS: Readonly<Record<Encoding, (content: Buffer) => Promise<Buffer>>> = {
  br: (content) => promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: promisify(gzip),
};

/** One file of the build, kept in memory with its compressed forms. */
interface Asset {
  content: Buffer;
  headers: Record<string, string>;
  etag: string;
  compressible: boolean;
  compressed: Partial<Record<Encoding, Promise<Buffer>>>;
}

/**
 * Serves the built web app from memory. Files under `/assets/` carry a hash of their content in their name and
 * never change; everything else is asked for again each time. Any other path is a page of the app.
 *
 * @param directory absolute path of the build
 */
export function createStaticHandler(directory: string): (request: Request) => Promise<Response> {
  const assets = existsSync(directory) ? readAssets(directory) : new Map<string, Asset>();
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refusal(
        405,
        { code: 'method_not_allowed', message: 'Pages can only be read.' },
        { allow: 'GET, HEAD' },
      );
    }
    const path = decodePath(new URL(request.url).pathname);
    // A missing file is missing; only what looks like a page falls back to the app.
    const asset = assets.get(path) ?? (basename(path).includes('.') ? undefined : assets.get(INDEX));
    return asset
      ? answer(request, asset)
      : refusal(404, { code: 'not_found', message: 'There is no such page.' });
  };
}

function readAssets(directory: string): Map<string, Asset> {
  const copies = new Set(Object.values(COPIES));
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !copies.has(extname(entry.name)),
  );
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(directory.length).replaceAll('\\', '/');
      const content = readFileSync(file);
      const extension = extname(entry.name);
      const immutable = path.startsWith('/assets/');
      return [
        path,
        {
          content,
          etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
          headers: {
            'content-type': TYPES[extension] ?? 'application/octet-stream',
            'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
            vary: 'accept-encoding',
          },
          compressible: !INCOMPRESSIBLE.has(extension) && content.length > 1_000,
          compressed: readCopies(file),
        },
      ];
    }),
  );
}

/** What the build has compressed already, as small as it gets. */
function readCopies(file: string): Asset['compressed'] {
  const copies = (Object.keys(COPIES) as Encoding[]).flatMap((encoding) => {
    const copy = `${file}${COPIES[encoding]}`;
    return existsSync(copy) ? [[encoding, Promise.resolve(readFileSync(copy))] as const] : [];
  });
  return Object.fromEntries(copies);
}

async function answer(request: Request, asset: Asset): Promise<Response> {
  if (request.headers.get('if-none-match')?.includes(asset.etag)) {
    return new Response(null, { status: 304, headers: { ...asset.headers, etag: asset.etag } });
  }
  const encoding = asset.compressible
    ? chooseEncoding(request.headers.get('accept-encoding') ?? '')
    : undefined;
  const body = encoding
    ? await (asset.compressed[encoding] ??= COMPRESS[encoding](asset.content))
    : asset.content;
  const headers = {
    ...asset.headers,
    etag: asset.etag,
    'content-length': String(body.length),
    ...(encoding ? { 'content-encoding': encoding } : {}),
  };
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(body), { headers });
}

function chooseEncoding(accepted: string): Encoding | undefined {
  if (/\bbr\b/.test(accepted)) return 'br';
  return /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
