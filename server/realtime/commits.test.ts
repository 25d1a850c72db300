import { beforeEach, describe, expect, test } from 'vitest';
import { Commits } from './commits.ts';

let done: string[];
let commits: Commits;

beforeEach(() => {
  done = [];
  commits = new Commits((end) => done.push(end));
});

/** Receives a transaction of so many rows; returns which were new, and what holds them. */
function receive(
  place: string,
  end: string | null,
  rows: number,
  hold: boolean[] = [],
): [boolean[], (() => void)[]] {
  commits.begin(place);
  const releases: (() => void)[] = [];
  const fresh = Array.from({ length: rows }, (_, index) => {
    const isNew = commits.row();
    if (isNew && hold[index]) releases.push(commits.hold());
    return isNew;
  });
  if (end) commits.end(end);
  return [fresh, releases];
}

describe('acknowledging', () => {
  test('what holds nothing is done when it ends', () => {
    receive('0/10', '0/20', 2);
    expect(done).toEqual(['0/20']);
    expect(commits.idle).toBe(true);
  });

  test('what is done waits for what came before it', () => {
    const [, [first]] = receive('0/10', '0/20', 1, [true]);
    const [, [second]] = receive('0/30', '0/40', 1, [true]);
    receive('0/50', '0/60', 1);
    second?.();
    expect(done).toEqual([]);
    first?.();
    expect(done).toEqual(['0/60']);
  });

  test('a row that is told before its transaction ends is not the end', () => {
    const [, [row]] = receive('0/10', null, 1, [true]);
    row?.();
    expect(done).toEqual([]);
    commits.end('0/20');
    expect(done).toEqual(['0/20']);
  });
});

describe('after a reconnection', () => {
  test('what was received whole is passed over, and acknowledged again when nothing waits', () => {
    receive('0/10', '0/20', 1);
    expect(receive('0/10', '0/20', 1)[0]).toEqual([false]);
    expect(done).toEqual(['0/20', '0/20']);
    expect(receive('0/30', '0/40', 1)[0]).toEqual([true]);
  });

  test('what still waits is not acknowledged by its repeat', () => {
    const [, [release]] = receive('0/10', '0/20', 1, [true]);
    receive('0/10', '0/20', 1);
    expect(done).toEqual([]);
    release?.();
    expect(done).toEqual(['0/20']);
  });

  test('a transaction that was torn goes on where it was', () => {
    const [, [release]] = receive('0/10', null, 2, [true]);
    expect(receive('0/10', null, 1)[0]).toEqual([false]);
    expect(receive('0/10', '0/20', 4)[0]).toEqual([false, false, true, true]);
    release?.();
    expect(done).toEqual(['0/20']);
  });

  test('a torn transaction that another gateway has finished holds nothing up', () => {
    receive('0/10', null, 1, [true]);
    receive('0/30', '0/40', 1);
    expect(done).toEqual(['0/40']);
  });

  test('another slot begins anew, wherever its log stands', () => {
    receive('5/10', '5/20', 1, [true]);
    commits.reset();
    expect(receive('0/10', '0/20', 1)[0]).toEqual([true]);
    expect(done).toEqual(['0/20']);
  });
});
