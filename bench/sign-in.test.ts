// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { verdictOf } from './report.ts';
import { type SignInMeasured, judgeSignIns } from './sign-in.ts';

const GOOD: SignInMeasured = {
  cores: 2,
  hashMs: [50, 50, 50],
  signIns: [36, 35, 37],
  quietMs: [4, 5, 6],
  busyMs: [5, 6, 9],
  refused: [],
  failedReads: [],
  wrongPassword: 400,
};
const verdicts = (changes: Partial<SignInMeasured>): string[] =>
  judgeSignIns({ ...GOOD, ...changes }).map(verdictOf);

describe('sign-ins', () => {
  it('that use the cores, and that others hardly notice, meet their targets', () => {
    expect(verdicts({})).toEqual(['met', 'met']);
    expect(judgeSignIns(GOOD)[0]).toMatchObject({ ratio: 36 / 40 });
  });

  it('on one thread miss theirs, and so do those that others wait for', () => {
    expect(verdicts({ signIns: [14, 14, 14] })).toEqual(['MISSED', 'met']);
    expect(verdicts({ busyMs: [5, 6, 5_000] })).toEqual(['met', 'MISSED']);
  });

  it.each([
    [{ refused: [429] }, ['BROKEN', 'met']],
    [{ wrongPassword: 200 }, ['BROKEN', 'met']],
    [{ failedReads: [503] }, ['met', 'BROKEN']],
  ])('with %o are broken, however fast', (changes, expected) => {
    expect(verdicts(changes)).toEqual(expected);
  });
});
