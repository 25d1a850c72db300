/**
 * Writes what is made from the results: the plots, and the table of docs/PERFORMANCE.md. `npm run bench` does it at its
 * end; `npm run bench:plots` does it from the results as they are.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { insertResults } from './document.ts';
import { drawPlots } from './plots.ts';
import { type Results, readResults } from './results.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
const DOCUMENT = join(DOCS, 'PERFORMANCE.md');
const IMAGES = join(DOCS, 'images', 'performance');

/** Writes plots and table. The same results always give the same files. */
export async function publish(results: Results): Promise<void> {
  await writeFile(DOCUMENT, insertResults(await readFile(DOCUMENT, 'utf8'), results));
  await mkdir(IMAGES, { recursive: true });
  for (const [name, svg] of Object.entries(drawPlots(results))) {
    await writeFile(join(IMAGES, `${name}.svg`), svg);
  }
}

if (import.meta.main) await publish(await readResults());
