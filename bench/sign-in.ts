/** P16: sign-ins from forty addresses at once, and what everybody else notices of them. */
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { hashSync, verifySync } from '@node-rs/bcrypt';
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from '../server/demo.ts';
import { type Product, startProduct } from './product.ts';
import { type Part, type Result, short, spread } from './report.ts';
import { median, quantile, summarise } from './statistics.ts';

const ADDRESSES = 40;
const ROUNDS = 3;
const ROUND_MS = 10_000;
/** Between two requests of the one who reads, milliseconds. Short pauses would measure how reads use up the cores. */
const READ_PAUSE_MS = 100;
const COST = 10;
const TARGET_THROUGHPUT = 0.75;
const TARGET_SLOWDOWN = 3;

/** What was measured in all rounds. */
export interface SignInMeasured {
  cores: number;
  /** Durations of one hash on a quiet machine, milliseconds. */
  hashMs: number[];
  /** Sign-ins a second, a figure a round. */
  signIns: number[];
  /** Durations of reads, milliseconds: beside nothing, and beside the sign-ins. */
  quietMs: number[];
  busyMs: number[];
  /** HTTP status of every sign-in with the right password that was not let in, and of reads that failed. */
  refused: number[];
  failedReads: number[];
  /** HTTP status of a sign-in with a wrong password. */
  wrongPassword: number;
}

/** Reads beside the sign-ins. Nobody else signs in to this account: its oldest session would end at the fifty-first. */
const READER = 'vianney@lamarelle.demo';
const SIGNING_IN = DEMO_ACCOUNTS.filter(({ email }) => email !== READER);

export const signIn: Part = {
  name: 'sign-in',
  async run(progress) {
    await using product = await startProduct({ trustedProxies: '127.0.0.1' });
    const token = await product.signIn(READER);
    const measured: SignInMeasured = {
      cores: os.availableParallelism(),
      hashMs: [],
      signIns: [],
      quietMs: [],
      busyMs: [],
      refused: [],
      failedReads: [],
      wrongPassword: await attempt(product, 0, 'not the password'),
    };
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`one hash, then reads beside nothing, ${round} of ${ROUNDS}`);
      measured.hashMs.push(...timeHashes());
      measured.quietMs.push(...(await readFor(product, token, ROUND_MS, measured.failedReads)));
      progress(`${ADDRESSES} addresses sign in, reads beside them, ${round} of ${ROUNDS}`);
      const loops = signInFor(product, ROUND_MS, measured.refused);
      measured.busyMs.push(...(await readFor(product, token, ROUND_MS, measured.failedReads)));
      measured.signIns.push((await loops) / (ROUND_MS / 1_000));
    }
    return judgeSignIns(measured);
  },
};

/** What the figures say. */
export function judgeSignIns(measured: SignInMeasured): Result[] {
  const { cores, hashMs, signIns, quietMs, busyMs, refused, failedReads, wrongPassword } = measured;
  const possible = cores / (median(hashMs) / 1_000);
  const throughput = median(signIns) / possible;
  const slowdown = quantile(busyMs, 0.99) / quantile(quietMs, 0.99);
  const figures = { hash_ms: summarise(hashMs), sign_ins_a_second: summarise(signIns) };
  const sizes = { addresses: ADDRESSES, rounds: ROUNDS, round_ms: ROUND_MS };
  return [
    {
      id: 'P16',
      what: `sign-ins a second, ${ADDRESSES} addresses at once`,
      target: `≥ ${TARGET_THROUGHPUT} × cores ÷ time of one hash`,
      measured: `${short(median(signIns))}/s`,
      comparedWith: `${cores} cores ÷ ${short(median(hashMs))} ms: ${short(possible)}/s`,
      ratio: throughput,
      met: throughput >= TARGET_THROUGHPUT,
      broken: [
        ...(refused.length > 0
          ? [`${refused.length} right passwords were refused, the first with ${refused[0]}.`]
          : []),
        ...(wrongPassword === 400 ? [] : [`A wrong password was answered with ${wrongPassword}.`]),
      ],
      figures,
      sizes,
    },
    {
      id: 'P16',
      what: 'others’ REST beside these sign-ins',
      target: `p99 ≤ ${TARGET_SLOWDOWN} × quiet`,
      measured: spread(summarise(busyMs)),
      comparedWith: `quiet: ${spread(summarise(quietMs))}`,
      ratio: slowdown,
      met: slowdown <= TARGET_SLOWDOWN,
      broken:
        failedReads.length > 0
          ? [`${failedReads.length} reads failed, the first with ${failedReads[0]}.`]
          : [],
      figures: { quiet_ms: summarise(quietMs), busy_ms: summarise(busyMs) },
      sizes,
    },
  ];
}

function timeHashes(): number[] {
  const hash = hashSync(DEMO_PASSWORD, COST);
  return Array.from({ length: 8 }, () => {
    const began = performance.now();
    verifySync(DEMO_PASSWORD, hash);
    return performance.now() - began;
  });
}

async function readFor(product: Product, token: string, ms: number, failed: number[]): Promise<number[]> {
  const took: number[] = [];
  const headers = {
    apikey: product.publishableKey,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  };
  for (const until = performance.now() + ms; performance.now() < until;) {
    const began = performance.now();
    const answer = await fetch(`${product.url}/rest/v1/rpc/get_entitlements`, {
      method: 'POST',
      headers,
      body: '{}',
    });
    await answer.arrayBuffer();
    took.push(performance.now() - began);
    if (!answer.ok) failed.push(answer.status);
    await pause(READ_PAUSE_MS);
  }
  return took;
}

/** @returns how many were let in within the time */
async function signInFor(product: Product, ms: number, refused: number[]): Promise<number> {
  const until = performance.now() + ms;
  let done = 0;
  await Promise.all(
    Array.from({ length: ADDRESSES }, async (_, address) => {
      while (performance.now() < until) {
        const status = await attempt(product, address, DEMO_PASSWORD);
        if (status !== 200) refused.push(status);
        else if (performance.now() <= until) done++;
      }
    }),
  );
  return done;
}

async function attempt(product: Product, address: number, password: string): Promise<number> {
  const { email } = SIGNING_IN[address % SIGNING_IN.length] ?? { email: '' };
  const answer = await fetch(`${product.url}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: {
      apikey: product.publishableKey,
      'content-type': 'application/json',
      'x-forwarded-for': `198.51.100.${address}`,
    },
    body: JSON.stringify({ email, password }),
  });
  await answer.arrayBuffer();
  return answer.status;
}
