// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { isLoopback, readConfig } from './config.ts';
import { ServerError } from './errors.ts';

function refusalOf(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ServerError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('the configuration', () => {
  it('needs no environment variable', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      port: 54_321,
      host: '127.0.0.1',
      logLevel: 'warn',
      trustedProxies: [],
      publicChannels: false,
    });
    expect(config.dataDir).toBe(`${process.cwd()}/.epilot`);
    expect(config).not.toHaveProperty('demo');
    expect(config).not.toHaveProperty('databaseUrl');
  });

  it('reads every variable', () => {
    expect(
      readConfig({
        PORT: '0',
        HOST: '0.0.0.0',
        EPILOT_DATA_DIR: '/var/lib/epilot',
        DATABASE_URL: 'postgres://me:secret@db.example:5433/epilot',
        EPILOT_DEMO: '0',
        EPILOT_DEMO_STUDENTS: '350000',
        EPILOT_TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1,fd00::/8',
        EPILOT_PUBLIC_CHANNELS: '1',
        EPILOT_SESSION_IDLE: '7',
        EPILOT_SESSION_MAX: '0.5',
        LOG_LEVEL: 'debug',
      }),
    ).toEqual({
      port: 0,
      host: '0.0.0.0',
      dataDir: '/var/lib/epilot',
      databaseUrl: 'postgres://me:secret@db.example:5433/epilot',
      demo: false,
      demoStudents: 350_000,
      trustedProxies: ['10.0.0.0/8', '127.0.0.1', 'fd00::/8'],
      publicChannels: true,
      sessionDays: { idle: 7, most: 0.5 },
      logLevel: 'debug',
    });
  });

  it('takes an empty variable for an absent one', () => {
    expect(readConfig({ PORT: '', EPILOT_DEMO: '' })).toEqual(readConfig({}));
  });

  it.each([
    [{ PORT: 'abc' }, 'config_invalid: PORT must be a number.'],
    [{ PORT: '70000' }, 'config_invalid: PORT must be at most 65535.'],
    [{ PORT: '1.5' }, 'config_invalid: PORT must be a whole number.'],
    [{ EPILOT_SESSION_IDLE: '0' }, 'config_invalid: EPILOT_SESSION_IDLE must be at least an hour.'],
    [{ EPILOT_DEMO: 'yes' }, 'config_invalid: EPILOT_DEMO must be 0 or 1.'],
    [{ EPILOT_PUBLIC_CHANNELS: 'yes' }, 'config_invalid: EPILOT_PUBLIC_CHANNELS must be 0 or 1.'],
    [{ EPILOT_DEMO_STUDENTS: '0' }, 'config_invalid: EPILOT_DEMO_STUDENTS must be at least 1.'],
    [
      { DATABASE_URL: 'mysql://localhost/x' },
      'config_invalid: DATABASE_URL must begin with postgres:// or postgresql://.',
    ],
    [
      { PORT: '-1', EPILOT_DEMO: '2' },
      'config_invalid: PORT must not be negative; EPILOT_DEMO must be 0 or 1.',
    ],
  ])('says what is wrong with %o', (environment, sentence) => {
    expect(refusalOf(environment)).toBe(sentence);
  });

  it.each(['yes', '10.0.0.0/33', '10.0.0.1,', '::1/129', '10.0.0.0/8/8'])(
    'takes %s for no list of proxies',
    (EPILOT_TRUSTED_PROXIES) =>
      expect(refusalOf({ EPILOT_TRUSTED_PROXIES })).toBe(
        'config_invalid: EPILOT_TRUSTED_PROXIES must be addresses or networks such as 10.0.0.0/8.',
      ),
  );

  it.each([
    ['127.0.0.1', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['192.168.1.10', false],
  ])('knows whether only this machine reaches %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
