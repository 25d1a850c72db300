/**
 * Numbers, money, sizes and dates as people of the platform read them. Only `Intl`: no locale data of our own.
 */
import type { Resource } from './entitlements.ts';
import { RESOURCE_INFO } from './resources.ts';

export type Locale = 'fr' | 'en';

/** 1 Go (GB) = 10⁹ bytes, everywhere. */
export const BYTES_PER_GO = 1_000_000_000;

/** The platform's schools live on Brazzaville time, wherever the screen is. */
export const TIME_ZONE = 'Africa/Brazzaville';

const TAGS: Record<Locale, string> = { fr: 'fr-FR', en: 'en-GB' };
const BYTE_UNITS: Record<Locale, readonly [string, string, string, string]> = {
  fr: ['o', 'Ko', 'Mo', 'Go'],
  en: ['B', 'KB', 'MB', 'GB'],
};

type Instant = Date | string | number;

export interface Formats {
  locale: Locale;
  /** `1702` → `1 702`. */
  number: (value: number) => string;
  /** Per cent already multiplied by 100: `85.5` → `85,5 %`. */
  percent: (value: number) => string;
  /** Central African francs, without decimals. */
  money: (xaf: number) => string;
  /** Bytes in the largest unit that keeps the number at 1 or more; never above Go. */
  bytes: (bytes: number) => string;
  /** A count of a resource: a plain number, or a size for storage. Argument in rows, or bytes for storage. */
  quantity: (resource: Resource, value: number) => string;
  /** `14 mars 2026`. */
  date: (at: Instant) => string;
  /** `14 mars 2026, 10:42`. */
  dateTime: (at: Instant) => string;
  /** `10:42`. */
  time: (at: Instant) => string;
  /** Elapsed milliseconds as `il y a 2 s`; a future instant counts as now. */
  ago: (elapsedMs: number) => string;
}

/** What is counted, in the unit that decides between singular and plural: rows, or Go for storage. */
export function countOf(resource: Resource, value: number): number {
  return RESOURCE_INFO[resource].unit === 'bytes' ? value / BYTES_PER_GO : value;
}

function createBytes(locale: Locale, tag: string): (bytes: number) => string {
  const format = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  return (bytes) => {
    const step = bytes >= BYTES_PER_GO ? 3 : bytes >= 1_000_000 ? 2 : bytes >= 1_000 ? 1 : 0;
    // Nothing used or left of a storage limit reads “0 Go”: its limits are always spoken of in Go.
    const unit = bytes === 0 ? 3 : step;
    return `${format.format(bytes / 1000 ** unit)}\u00a0${BYTE_UNITS[locale][unit]}`;
  };
}

function createAgo(tag: string): (elapsedMs: number) => string {
  const format = new Intl.RelativeTimeFormat(tag, { style: 'short', numeric: 'always' });
  return (elapsedMs) => {
    const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
    if (seconds < 60) return format.format(-seconds, 'second');
    if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute');
    if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), 'hour');
    return format.format(-Math.floor(seconds / 86_400), 'day');
  };
}

/** Formats for one locale. Building `Intl` objects is slow: build once, keep. */
export function createFormats(locale: Locale): Formats {
  const tag = TAGS[locale];
  const number = new Intl.NumberFormat(tag);
  const percent = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat(tag, { style: 'currency', currency: 'XAF', maximumFractionDigits: 0 });
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeZone: TIME_ZONE });
  const dateTime = new Intl.DateTimeFormat(tag, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: TIME_ZONE,
  });
  const time = new Intl.DateTimeFormat(tag, { timeStyle: 'short', timeZone: TIME_ZONE });
  const bytes = createBytes(locale, tag);
  return {
    locale,
    number: (value) => number.format(value),
    percent: (value) => percent.format(value / 100),
    money: (xaf) => money.format(xaf),
    bytes,
    quantity: (resource, value) =>
      RESOURCE_INFO[resource].unit === 'bytes' ? bytes(value) : number.format(value),
    date: (at) => date.format(new Date(at)),
    dateTime: (at) => dateTime.format(new Date(at)),
    time: (at) => time.format(new Date(at)),
    ago: createAgo(tag),
  };
}
