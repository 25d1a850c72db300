// @vitest-environment node
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Arrivals } from './arrivals.ts';
import { Listener } from './listener.ts';

const SCREENS = 1_000;
/** The system's own bound on what may wait, which some systems set lower. */
const SOMAXCONN = '/proc/sys/net/core/somaxconn';
const bound = existsSync(SOMAXCONN) ? Number(readFileSync(SOMAXCONN, 'utf8')) : 0;

/** Opens so many connections and prints how many were when no further one had been for a while. */
const KNOCK = `
  const { connect } = require('node:net');
  let opened = 0;
  const end = () => { console.log(opened); process.exit(); };
  let timer = setTimeout(end, 5_000);
  for (let n = 0; n < ${SCREENS}; n++) {
    connect(Number(process.argv[1]), '127.0.0.1', () => {
      opened += 1;
      clearTimeout(timer);
      timer = setTimeout(end, opened === ${SCREENS} ? 0 : 5_000);
    }).on('error', () => {});
  }`;

const ARRIVALS = new Arrivals({
  knowsToken: () => false,
  isCrowded: () => false,
  networkOf: () => '',
  now: Date.now,
});

const listener = new Listener();
afterAll(async () => {
  listener.stopAccepting();
  await listener.drain();
});

test.skipIf(bound < SCREENS)(
  'a thousand screens that come back while the server is busy all get in',
  async () => {
    const answer = () => new Response();
    const url = await listener.listen(
      { host: '127.0.0.1', port: 0 },
      { arrivals: ARRIVALS, fetch: answer, upgrade: () => {} },
    );
    // This process waits for the child and accepts nothing meanwhile.
    const opened = execFileSync(process.execPath, ['-e', KNOCK, new URL(url).port], { encoding: 'utf8' });
    expect(Number(opened)).toBe(SCREENS);
  },
);
