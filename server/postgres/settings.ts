/**
 * Settings the embedded cluster always runs with. They are passed on the command line, so that the code and not
 * a file in the data directory is the truth.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No socket file: its path would be limited to 107 bytes, and its directory open to other users.
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_senders: '10',
  max_replication_slots: '10',
  // Danger: a realtime slot that nobody reads would otherwise keep WAL until the disk is full.
  max_slot_wal_keep_size: '1GB',
  max_connections: '120',
  shared_buffers: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A client that died in the middle of a transaction must not hold its locks for ever.
  idle_in_transaction_session_timeout: '60s',
  // Everything here is a short statement; compiling one takes longer than running it.
  jit: 'off',
  log_checkpoints: 'off',
  // A refused statement is an ERROR, and anybody can send thousands a second. In the order of the server's log LOG stands
  // above ERROR: what concerns the cluster itself (LOG, FATAL, PANIC) is written, what one statement did wrong is not.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  // Half-open connections of killed clients give their locks back within half a minute.
  tcp_keepalives_idle: '15',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
};

/** Settings of a cluster whose data nobody will miss: tests and benchmarks of many databases at once. */
export const THROWAWAY_SETTINGS: Readonly<Record<string, string>> = {
  // With fsync off, synchronous commit costs nothing; without it a commit would reach realtime 200 ms late.
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '400',
  max_wal_senders: '100',
  max_replication_slots: '100',
};

/**
 * The arguments of the `postgres` program.
 *
 * @param dataDir directory of the cluster as that process sees it
 * @param port TCP port on 127.0.0.1
 * @param overrides settings that replace or join the usual ones
 */
export function postgresArguments(
  dataDir: string,
  port: number,
  overrides: Readonly<Record<string, string>> = {},
): string[] {
  const settings = Object.entries({ ...SETTINGS, ...overrides });
  return [
    '-D',
    dataDir,
    '-p',
    String(port),
    ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
}

/**
 * The arguments of `initdb`. Locale C.UTF-8 from the built-in provider sorts and folds alike on every system;
 * French collation is asked for where a list needs it.
 */
export function initdbArguments(dataDir: string, superuser: string): string[] {
  const options = {
    pgdata: dataDir,
    username: superuser,
    auth: 'scram-sha-256',
    pwfile: '/dev/stdin',
    encoding: 'UTF8',
    locale: 'C',
    'locale-provider': 'builtin',
    'builtin-locale': 'C.UTF-8',
  };
  return ['--no-instructions', ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
}
