/**
 * Loaded into a server under test by `--import`: throws, as unforeseen code would, when a file appears.
 *
 * `TEST_FAULT_FILE` names the file. What stands in it chooses the fault: `throw` out of a timer, `throw again` once
 * more while the server stops, `reject` for a promise that nobody waits for, `exit` to end at once with code 70.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';

const LOOK_EVERY_MS = 10;
const file = process.env['TEST_FAULT_FILE'];

if (file && process.argv[1]?.endsWith('main.ts')) {
  setInterval(() => {
    if (!existsSync(file)) return;
    const fault = readFileSync(file, 'utf8').trim();
    if (fault === 'exit') process.exit(70);
    // Written in two steps: empty for a moment.
    if (fault === '') return;
    rmSync(file);
    if (fault === 'reject') {
      void Promise.reject(new Error('a promise of the tests'));
      return;
    }
    if (fault === 'throw again') setTimeout(throwFault, LOOK_EVERY_MS, 'a second fault of the tests');
    throwFault('a fault of the tests');
  }, LOOK_EVERY_MS).unref();
}

function throwFault(message: string): never {
  throw new Error(message);
}
