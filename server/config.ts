import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { ServerError } from './errors.ts';
import { isNetwork } from './http/trusted-proxies.ts';

/** How the server runs; see “The running contract” in docs/operations.md. */
export interface Config {
  /** TCP port; 0 lets the system choose. */
  port: number;
  host: string;
  /** Absolute path of the directory that holds the cluster, the secrets and `runtime.json`. */
  dataDir: string;
  /** A PostgreSQL of one's own; the embedded one when absent. */
  databaseUrl?: string;
  /** Whether demo data is asked for; `undefined` leaves it to whether the embedded cluster is new. */
  demo?: boolean;
  /** How many students the demo data has besides its own, in school groups of a hundred on average. */
  demoStudents?: number;
  /** Reverse proxies whose `X-Forwarded-*` headers count: addresses and networks in CIDR form. */
  trustedProxies: readonly string[];
  /** Whether realtime serves public channels and bearers who are nobody, for who builds on it: the product needs neither. */
  publicChannels: boolean;
  /** Days without a refresh after which a session ends, and days after which it ends in any case. */
  sessionDays: { idle: number; most: number };
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const days = z.coerce
  .number('must be a number of days')
  .min(1 / 24, 'must be at least an hour')
  .max(3_650, 'must be at most 3650');

const schema = z.object({
  PORT: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(0, 'must not be negative')
    .max(65_535, 'must be at most 65535')
    .default(54_321),
  HOST: z.string().trim().min(1, 'must not be empty').default('127.0.0.1'),
  EPILOT_DATA_DIR: z.string().min(1, 'must not be empty').default('.epilot'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .refine((url) => URL.canParse(url), 'is not a valid URL')
    .optional(),
  EPILOT_DEMO: z
    .enum(['0', '1'], 'must be 0 or 1')
    .transform((value) => value === '1')
    .optional(),
  EPILOT_DEMO_STUDENTS: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(5_000_000, 'must be at most 5000000')
    .optional(),
  EPILOT_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every(isNetwork), 'must be addresses or networks such as 10.0.0.0/8')
    .default([]),
  EPILOT_PUBLIC_CHANNELS: z
    .enum(['0', '1'], 'must be 0 or 1')
    .default('0')
    .transform((value) => value === '1'),
  EPILOT_SESSION_IDLE: days.default(30),
  EPILOT_SESSION_MAX: days.default(180),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('warn'),
});

/** Whether only this machine can reach an address to listen on. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host.toLowerCase());
}

/**
 * Whether more than this machine can reach the server: by the address it listens on, or through a reverse proxy, whose
 * requests come from this machine and are everybody's.
 */
export function isExposed({ host, trustedProxies }: Pick<Config, 'host' | 'trustedProxies'>): boolean {
  return !isLoopback(host) || trustedProxies.length > 0;
}

/**
 * Reads the configuration from environment variables; an empty variable counts as absent.
 *
 * @param environment usually `process.env`
 * @throws ServerError `config_invalid` naming each variable and what is wrong with it
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const present = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const result = schema.safeParse(present);
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new ServerError(
      'config_invalid',
      `${problems.join('; ')}.`,
      'Correct the environment variable, then start again.',
    );
  }
  const {
    PORT,
    HOST,
    EPILOT_DATA_DIR,
    DATABASE_URL,
    EPILOT_DEMO,
    EPILOT_DEMO_STUDENTS,
    EPILOT_TRUSTED_PROXIES,
    EPILOT_PUBLIC_CHANNELS,
    EPILOT_SESSION_IDLE,
    EPILOT_SESSION_MAX,
    LOG_LEVEL,
  } = result.data;
  return {
    port: PORT,
    host: HOST,
    dataDir: isAbsolute(EPILOT_DATA_DIR) ? EPILOT_DATA_DIR : resolve(EPILOT_DATA_DIR),
    trustedProxies: EPILOT_TRUSTED_PROXIES,
    publicChannels: EPILOT_PUBLIC_CHANNELS,
    sessionDays: { idle: EPILOT_SESSION_IDLE, most: EPILOT_SESSION_MAX },
    logLevel: LOG_LEVEL,
    ...(DATABASE_URL === undefined ? {} : { databaseUrl: DATABASE_URL }),
    ...(EPILOT_DEMO === undefined ? {} : { demo: EPILOT_DEMO }),
    ...(EPILOT_DEMO_STUDENTS === undefined ? {} : { demoStudents: EPILOT_DEMO_STUDENTS }),
  };
}
