/** The process behind screens.ts. */
import { setTimeout as pause } from 'node:timers/promises';
import { Screen, type ScreenLog } from './screen.ts';
import type { ScreensNews, ScreensOrder } from './screens.ts';

/** Screens that are opened at the same time. */
const OPENING = 20;
/** Longer than any delay that the app draws between a join and its requests, milliseconds. */
const SETTLING_MS = 1_500;

const log: ScreenLog = {
  manner: 'product',
  knocks: [],
  joins: [],
  requests: new Map(),
  failures: 0,
  inFlight: 0,
};
const screens: Screen[] = [];

process.on('message', (order: ScreensOrder) => {
  void obey(order).then((news) => process.send?.(news));
});
process.once('disconnect', () => process.exit());

async function obey(order: ScreensOrder): Promise<ScreensNews> {
  switch (order.kind) {
    case 'open':
      await open(order);
      return { kind: 'done' };
    case 'begin':
      Object.assign(log, { manner: order.manner, knocks: [], joins: [], requests: new Map(), failures: 0 });
      return { kind: 'done' };
    case 'await': {
      const late = pause(order.deadlineMs, null);
      const shown = screens.map((screen) => Promise.race([screen.shown(order.rev), late]));
      return { kind: 'shown', at: await Promise.all(shown) };
    }
    case 'report':
      await settle();
      return { kind: 'log', log };
  }
}

async function open({ tokens, ...reach }: ScreensOrder & { kind: 'open' }): Promise<void> {
  const waiting = tokens.values();
  const work = async (): Promise<void> => {
    for (const token of waiting) {
      const screen = new Screen({ ...reach, token }, log);
      screens.push(screen);
      await screen.shown(0);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, work));
  await settle();
}

/** Waits until nobody asks for anything any more. */
async function settle(): Promise<void> {
  await pause(SETTLING_MS);
  while (log.inFlight > 0) await pause(50);
}
