import { type DestinationStream, type Logger, pino } from 'pino';

/** Lines of one message within a minute; further ones are counted, and the next minute's first line tells the count. */
const LINES_A_MINUTE = 20;
const MINUTE_MS = 60_000;
/** Messages are sentences of the code, so they are few; beyond this many they share one count. */
const MOST_MESSAGES = 500;
/** Longest text of an error that is written, characters: a stranger may have chosen what it quotes. */
const LONGEST_TEXT = 4_000;

interface Count {
  since: number;
  lines: number;
}

/**
 * The server's log: one JSON object a line. Law: whatever strangers send, a minute has an end of lines. Every message from
 * `info` to `error` is written {@link LINES_A_MINUTE} times a minute at most, `debug` and `fatal` always.
 *
 * @param level least level that is written
 * @param destination where to
 * @param now the time, milliseconds
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination(2),
  now: () => number = Date.now,
): Logger {
  const counts = new Map<string, Count>();

  /** How many lines were left out before this one, or null when this one is left out, too. */
  const admit = (message: string): number | null => {
    const key = counts.has(message) || counts.size < MOST_MESSAGES ? message : '';
    const time = now();
    const count = counts.get(key);
    if (!count || time - count.since >= MINUTE_MS) {
      counts.set(key, { since: time, lines: 1 });
      return Math.max(0, (count?.lines ?? 0) - LINES_A_MINUTE);
    }
    count.lines++;
    return count.lines > LINES_A_MINUTE ? null : 0;
  };

  return pino(
    {
      level,
      serializers: { err: (error: Error) => shorten(pino.stdSerializers.err(error)) },
      hooks: {
        logMethod(given, method, levelNumber) {
          const [first, second] = given as [unknown, unknown?];
          const { debug, fatal } = pino.levels.values as { debug: number; fatal: number };
          if (levelNumber <= debug || levelNumber >= fatal) return method.apply(this, given);
          const omitted = admit(String(typeof first === 'string' ? first : second));
          if (omitted === null) return;
          if (omitted > 0 && typeof first === 'object')
            method.apply(this, [{ ...first, omitted }, second] as never);
          else method.apply(this, given);
        },
      },
    },
    destination,
  );
}

function shorten<Value extends object>(error: Value): Value {
  for (const [name, value] of Object.entries(error)) {
    if (typeof value === 'string' && value.length > LONGEST_TEXT)
      Object.assign(error, { [name]: `${value.slice(0, LONGEST_TEXT)}…` });
  }
  return error;
}
