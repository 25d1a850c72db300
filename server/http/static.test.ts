// @vitest-environment node
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createStaticHandler } from './static.ts';

const directory = mkdtempSync(join(tmpdir(), 'epilot-dist-'));
const script = `console.log(${JSON.stringify('x'.repeat(5_000))});`;
mkdirSync(join(directory, 'assets'));
writeFileSync(join(directory, 'index.html'), '<!doctype html><title>E-Pilot</title>');
writeFileSync(join(directory, 'assets', 'main-abc123.js'), script);
const copies = { br: brotliCompressSync(script), gzip: gzipSync(script, { level: 1 }) };
writeFileSync(join(directory, 'assets', 'copied-def456.js'), script);
writeFileSync(join(directory, 'assets', 'copied-def456.js.br'), copies.br);
writeFileSync(join(directory, 'assets', 'copied-def456.js.gz'), copies.gzip);
const serve = createStaticHandler(directory);
afterAll(() => rmSync(directory, { recursive: true }));

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return serve(new Request(`http://127.0.0.1${path}`, init));
}

describe('the web app', () => {
  it('answers any page with the app, never kept', async () => {
    for (const path of ['/', '/index.html', '/groupes/7f3d', '/%E9']) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('E-Pilot');
    }
  });

  it('keeps hashed files for ever', async () => {
    const { headers } = await get('/assets/main-abc123.js');
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it('compresses for who can read it', async () => {
    const read = async (encoding: string): Promise<[string | null, Buffer]> => {
      const response = await get('/assets/main-abc123.js', { headers: { 'accept-encoding': encoding } });
      return [response.headers.get('content-encoding'), Buffer.from(await response.arrayBuffer())];
    };
    const [brotli, brotliBody] = await read('gzip, deflate, br');
    expect([brotli, brotliDecompressSync(brotliBody).toString()]).toEqual(['br', script]);
    const [gzip, gzipBody] = await read('gzip');
    expect([gzip, gunzipSync(gzipBody).toString()]).toEqual(['gzip', script]);
    const [none, body] = await read('identity');
    expect([none, body.toString()]).toEqual([null, script]);
  });

  it('sends what the build has compressed already, and knows it by no other name', async () => {
    for (const encoding of ['br', 'gzip'] as const) {
      const response = await get('/assets/copied-def456.js', { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect(Buffer.from(await response.arrayBuffer())).toEqual(copies[encoding]);
    }
    const plain = await get('/assets/copied-def456.js');
    expect(await plain.text()).toBe(script);
    expect((await get('/assets/copied-def456.js.br')).status).toBe(404);
  });

  it('answers 304 to who has it', async () => {
    const etag = (await get('/')).headers.get('etag') ?? '';
    const response = await get('/', { headers: { 'if-none-match': etag } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe('');
  });

  it('answers HEAD without a body', async () => {
    const response = await get('/', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await response.text()).toBe('');
  });

  it('has no file that was not built', async () => {
    for (const path of [
      '/assets/missing.js',
      '/.env',
      '/../package.json',
      '/%2e%2e/package.json',
      '/x.map',
    ]) {
      expect((await get(path)).status).toBe(404);
    }
  });

  it('cannot be written to', async () => {
    expect((await get('/', { method: 'POST' })).status).toBe(405);
  });

  it('says so when it was not built', async () => {
    const response = await createStaticHandler(join(directory, 'nowhere'))(new Request('http://127.0.0.1/'));
    expect(response.status).toBe(404);
  });
});
