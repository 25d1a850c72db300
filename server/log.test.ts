// @vitest-environment node
import { beforeEach, describe, expect, it } from 'vitest';
import type { Logger } from 'pino';
import { createLogger } from './log.ts';

let lines: Record<string, unknown>[];
let time: number;
let logger: Logger;
beforeEach(() => {
  lines = [];
  time = 1_000_000;
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  logger = createLogger('debug', { write }, () => time);
});

describe('the server’s log', () => {
  it('writes a message twenty times a minute at most, and then tells how many it left out', () => {
    for (let line = 0; line < 1_000; line++) logger.warn({ line }, 'a request was refused');
    expect(lines.length).toBe(20);
    time += 60_000;
    logger.warn({ line: 'next' }, 'a request was refused');
    expect(lines.at(-1)).toMatchObject({ line: 'next', omitted: 980 });
  });

  it('counts each message for itself, also those of a child', () => {
    for (let line = 0; line < 100; line++) {
      logger.error({ line }, 'one');
      logger.child({ part: 'realtime' }).info('another');
    }
    expect(lines.filter(({ msg }) => msg === 'one').length).toBe(20);
    expect(lines.filter(({ msg }) => msg === 'another').length).toBe(20);
  });

  it('is bounded although every message is another', () => {
    for (let line = 0; line < 10_000; line++) logger.warn(`refused ${line}`);
    expect(lines.length).toBeLessThan(600);
  });

  it('always writes what is fatal, and what a person looks for with debug', () => {
    for (let line = 0; line < 100; line++) {
      logger.fatal('fatal');
      logger.debug('debug');
    }
    expect(lines.length).toBe(200);
  });

  it('cuts what an error quotes', () => {
    logger.error({ err: new Error('x'.repeat(1_000_000)) }, 'a request failed');
    expect(JSON.stringify(lines[0]).length).toBeLessThan(10_000);
    expect(lines[0]).toMatchObject({ err: { type: 'Error' } });
  });
});
