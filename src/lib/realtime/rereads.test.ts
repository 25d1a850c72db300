import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { createRereads, type Rereads } from './rereads.ts';

const MINUTE_MS = 60_000;

let clock: FakeClock;
let rereads: Rereads;
let reads: number;
let isVisible: boolean;

beforeEach(() => {
  clock = createFakeClock();
  reads = 0;
  isVisible = true;
  rereads = createRereads(
    () => {
      reads += 1;
    },
    () => isVisible,
    clock,
  );
  rereads.lineIs(true);
});

describe('the last net', () => {
  test.each([
    [0, 10],
    [0.5, 15],
    [1, 20],
  ])(
    'at chance %d a visible screen reads again after %i minutes, and again after as many',
    async (chance, minutes) => {
      rereads.stop();
      clock.chance = chance;
      rereads = createRereads(
        () => (reads += 1),
        () => isVisible,
        clock,
      );
      rereads.lineIs(true);
      await clock.advance(minutes * MINUTE_MS - 1);
      expect(reads).toBe(0);
      await clock.advance(1);
      expect(reads).toBe(1);
      await clock.advance(minutes * MINUTE_MS);
      expect(reads).toBe(2);
    },
  );

  test('a hidden screen does not read at all', async () => {
    isVisible = false;
    await clock.advance(600 * MINUTE_MS);
    expect(reads).toBe(0);
  });

  test('without a line a visible screen reads every minute, for no message can tell it anything', async () => {
    rereads.lineIs(false);
    await clock.advance(5 * MINUTE_MS);
    expect(reads).toBe(5);
    rereads.lineIs(true);
    await clock.advance(9 * MINUTE_MS);
    expect(reads).toBe(5);
  });
});

describe('the instant at which time alone changes something', () => {
  test('is read at, within a second', async () => {
    rereads.answered(clock.now(), clock.now() + 5 * MINUTE_MS);
    await clock.advance(5 * MINUTE_MS - 1);
    expect(reads).toBe(0);
    await clock.advance(1_001);
    expect(reads).toBe(1);
  });

  test('is an instant of the server’s clock, however wrong the browser’s is', async () => {
    const serverNow = clock.now() + 3 * 60 * MINUTE_MS;
    rereads.answered(serverNow, serverNow + 5 * MINUTE_MS);
    await clock.advance(5 * MINUTE_MS + 1_000);
    expect(reads).toBe(1);
  });

  test('takes the place of the one before; none cancels it', async () => {
    const start = clock.now();
    rereads.answered(start, start + 5 * MINUTE_MS);
    rereads.expect(start + 2 * MINUTE_MS);
    await clock.advance(2 * MINUTE_MS + 1_000);
    expect(reads).toBe(1);
    rereads.expect(start + 5 * MINUTE_MS);
    rereads.expect(null);
    await clock.advance(5 * MINUTE_MS);
    expect(reads).toBe(1);
  });

  test('is read at once, and once, when it has passed and messages go on naming it', async () => {
    const passed = clock.now() - MINUTE_MS;
    for (let message = 0; message < 5; message += 1) {
      rereads.expect(passed);
      await clock.advance(1_000);
    }
    expect(reads).toBe(1);
  });

  test('is read at again when the answer says that it is still to come', async () => {
    const nextAt = clock.now() + MINUTE_MS;
    rereads.answered(clock.now(), nextAt);
    await clock.advance(MINUTE_MS + 1_000);
    expect(reads).toBe(1);
    rereads.answered(nextAt - 2_000, nextAt);
    await clock.advance(3_000);
    expect(reads).toBe(2);
  });

  test('is left to the next look while the screen is hidden', async () => {
    rereads.answered(clock.now(), clock.now() + 1_000);
    isVisible = false;
    await clock.advance(5_000);
    expect(reads).toBe(0);
  });
});

test('stopping leaves no timer', () => {
  rereads.answered(clock.now(), clock.now() + MINUTE_MS);
  rereads.stop();
  expect(clock.pending()).toBe(0);
});
