import { readFileSync } from 'node:fs';
import { ServerError, type ServerErrorCode } from '../errors.ts';

interface FailedStart {
  logFile: string;
  /** Size of the log file, bytes, before this start. */
  logStart: number;
  directory: string;
  port: number;
  cause?: unknown;
}

interface KnownFailure {
  pattern: RegExp;
  code: ServerErrorCode;
  message: (failed: FailedStart) => string;
  remedy: string;
}

const KNOWN: readonly KnownFailure[] = [
  {
    pattern: /Address already in use|could not create any TCP\/IP sockets/,
    code: 'port_in_use',
    message: ({ port }) => `Port ${port} on 127.0.0.1 is taken, so PostgreSQL cannot listen there.`,
    remedy: 'Start again; another port will be chosen.',
  },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'disk_unusable',
    message: ({ directory }) => `The disk that holds ${directory} is full.`,
    remedy: 'Free some space there, then start again; no committed data is lost.',
  },
  {
    pattern: /Read-only file system/,
    code: 'disk_unusable',
    message: ({ directory }) => `The disk that holds ${directory} is read-only.`,
    remedy: 'Make it writable, then start again.',
  },
  {
    pattern: /lock file .* already exists|pre-existing shared memory block/,
    code: 'data_dir_in_use',
    message: ({ directory }) => `Another PostgreSQL is running on ${directory}.`,
    remedy: 'Stop it, or point EPILOT_DATA_DIR elsewhere, then start again.',
  },
  {
    pattern: /Permission denied|has wrong ownership|has invalid permissions/,
    code: 'data_dir_unusable',
    message: ({ directory }) =>
      `PostgreSQL may not use ${directory}: it belongs to another user or is too open.`,
    remedy: 'Give the directory to the user that starts the server with mode 0700, then start again.',
  },
];

/** Reads from PostgreSQL's log why it ended before it was ready, and says it as a sentence with a remedy. */
export function explainFailure(failed: FailedStart): ServerError {
  const log = readLogSince(failed.logFile, failed.logStart);
  const known = KNOWN.find(({ pattern }) => pattern.test(log));
  if (known) return new ServerError(known.code, known.message(failed), known.remedy, failed.cause);
  const fatal = /(?:FATAL|PANIC): +(.*)/.exec(log)?.[1] ?? log.trim().split('\n').at(-1) ?? '';
  return new ServerError(
    'postgres_failed',
    `PostgreSQL ended before it was ready${fatal ? `: ${fatal}` : '.'}`,
    `Read ${failed.logFile}, mend what it names, then start again.`,
    failed.cause,
  );
}

function readLogSince(file: string, start: number): string {
  try {
    return readFileSync(file).subarray(start).toString('utf8');
  } catch {
    return '';
  }
}
