/**
 * Runs in the server's process before it and gives it flaws, each asked for by a request of honest-hostile-crew.ts: what the
 * benchmark must notice.
 */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';

const LEAK = 500 * 1_048_576;
const STALL_MS = 3_000;
const IDLE = new Int32Array(new SharedArrayBuffer(4));

const hoard: Buffer[] = [];
/** Honest requests that are still to be answered wrong. */
let failures = 0;
let lies = 0;
let isRestarted = false;

const FLAWS: Record<string, () => void> = {
  none: () => {},
  /** Keeps memory. Filled, for what is only reserved is not resident. */
  leak: () => {
    if (hoard.length === 0) hoard.push(Buffer.alloc(LEAK, 1));
  },
  /** Stands still. */
  stall: () => void Atomics.wait(IDLE, 0, 0, STALL_MS),
  fail: () => void (failures += 1),
  lie: () => void (lies += 1),
  /** PostgreSQL starts anew. */
  postgres: () => {
    if (isRestarted) return;
    isRestarted = true;
    const file = join(process.env['EPILOT_DATA_DIR'] ?? '', 'postgres', 'postmaster.pid');
    process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL');
  },
  crash: () => {
    setImmediate(() => {
      throw new Error('An exception that nobody foresaw');
    });
  },
};

type Emit = (this: Server, event: string | symbol, ...values: unknown[]) => boolean;
const emit = Reflect.get(Server.prototype, 'emit') as Emit;

const flawed: Emit = function (event, ...values) {
  if (event !== 'request') return emit.call(this, event, ...values);
  const [{ url = '', method }, response] = values as [IncomingMessage, ServerResponse];
  const answer = (status: number, body: string): boolean => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    return true;
  };
  const flaw = url.startsWith('/flaw/') ? FLAWS[url.slice('/flaw/'.length)] : undefined;
  if (flaw) {
    flaw();
    return answer(400, '{}');
  }
  if (failures > 0 && url.startsWith('/rest/v1/') && method === 'GET') {
    failures -= 1;
    return answer(500, '{"message": "internal error"}');
  }
  if (lies > 0 && url.startsWith('/rest/v1/schools')) {
    lies -= 1;
    return answer(200, '[]');
  }
  return emit.call(this, event, ...values);
};
Server.prototype.emit = flawed;
