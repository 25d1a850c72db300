// @vitest-environment node
import { EventEmitter } from 'node:events';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { installLastResort } from './last-resort.ts';

let faults: EventEmitter;
let lines: string[];
let exits: number[];
let stops: PromiseWithResolvers<void>[];
let metrics: Registry;

beforeEach(() => {
  vi.useFakeTimers();
  faults = new EventEmitter();
  lines = [];
  exits = [];
  stops = [];
  metrics = new Registry();
  const log =
    (level: string) =>
    ({ err }: { err: unknown }) => {
      lines.push(`${level}: ${(err as Error).message}`);
      if ((err as Error).message === 'unspeakable') throw new Error('the log is broken');
    };
  installLastResort({
    faults,
    logger: { fatal: log('fatal'), error: log('error') } as never,
    metrics,
    stop() {
      const stop = Promise.withResolvers<void>();
      stops.push(stop);
      return stop.promise;
    },
    exit: (code) => exits.push(code),
  });
});
afterEach(() => vi.useRealTimers());

describe('a fault that nothing caught', () => {
  it('is logged, stops the server, and ends the process with 70 once that is done', async () => {
    faults.emit('uncaughtException', new Error('a fault'));
    expect(lines).toEqual(['fatal: a fault']);
    expect([stops.length, exits]).toEqual([1, []]);
    stops[0]!.resolve();
    await vi.waitFor(() => expect(exits).toEqual([70]));
  });

  it('followed by another one while the server stops: that one is logged, too, and the stop goes on', async () => {
    faults.emit('uncaughtException', new Error('a fault'));
    faults.emit('uncaughtException', new Error('another'));
    expect(lines).toEqual(['fatal: a fault', 'fatal: another']);
    expect([stops.length, exits]).toEqual([1, []]);
  });

  it('ends the process although the server does not stop', () => {
    faults.emit('uncaughtException', new Error('a fault'));
    vi.runAllTimers();
    expect(exits).toEqual([70]);
  });

  it('ends the process although the stop fails', async () => {
    faults.emit('uncaughtException', new Error('a fault'));
    stops[0]!.reject(new Error('no stop'));
    await vi.waitFor(() => expect(exits).toEqual([70]));
    expect(lines).toEqual(['fatal: a fault', 'fatal: no stop']);
  });

  it('stops the server although the log cannot be written', () => {
    faults.emit('uncaughtException', new Error('unspeakable'));
    expect(stops.length).toBe(1);
  });
});

describe('a promise that failed and that nobody waited for', () => {
  it('is logged and counted, and the server goes on', async () => {
    faults.emit('unhandledRejection', new Error('alone'));
    expect(lines).toEqual(['error: alone']);
    expect([stops.length, exits]).toEqual([0, []]);
    expect(await metrics.metrics()).toContain('process_unhandled_rejections_total 1');
  });
});
