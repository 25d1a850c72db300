/** Stable codes of every refusal to start or to go on; each is explained in docs/ERRORS.md. */
export type ServerErrorCode =
  | 'config_invalid'
  | 'data_dir_unusable'
  | 'data_dir_in_use'
  | 'data_dir_exposed'
  | 'data_dir_version'
  | 'disk_unusable'
  | 'postgres_unsupported'
  | 'postgres_failed'
  | 'port_in_use'
  | 'host_refused'
  | 'database_unreachable'
  | 'database_unsuitable'
  | 'database_newer'
  | 'migration_changed'
  | 'migration_failed';

/**
 * A failure that a person can mend. `message` is one sentence that says what is wrong, `remedy` one that says
 * what to do. `main.ts` prints both and no stack.
 */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: ServerErrorCode;
  readonly remedy: string;

  constructor(code: ServerErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** The `code` of a Node or PostgreSQL error, or `undefined` for anything else that was thrown. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Turns a file system failure on `path` into a sentence; anything unexpected is returned as it is. */
export function explainFileError(error: unknown, path: string): unknown {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ServerError(
        'disk_unusable',
        `The disk that holds ${path} is full.`,
        'Free some space there, or point EPILOT_DATA_DIR at another disk, then start again.',
        error,
      );
    case 'EROFS':
      return new ServerError(
        'disk_unusable',
        `The disk that holds ${path} is read-only.`,
        'Point EPILOT_DATA_DIR at a directory that can be written, then start again.',
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return new ServerError(
        'data_dir_unusable',
        `The current user may not write to ${path}.`,
        'Give this user the directory, or point EPILOT_DATA_DIR at one it owns, then start again.',
        error,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new ServerError(
        'data_dir_unusable',
        `A file stands where the data directory ${path} should be.`,
        'Move that file away, or point EPILOT_DATA_DIR elsewhere, then start again.',
        error,
      );
    default:
      return error;
  }
}
