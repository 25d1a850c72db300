/** Positions in PostgreSQL's write-ahead log, written `high/low` in hexadecimal. */

/** @returns the position one byte earlier */
export function lsnBefore(lsn: string): string {
  const value = lsnValue(lsn);
  return lsnText(value > 0n ? value - 1n : 0n);
}

/** @returns bytes from `from` to `to`, 0 when `to` is not later */
export function lsnDistance(from: string, to: string): number {
  return Math.max(0, Number(lsnValue(to) - lsnValue(from)));
}

/** @returns that of the positions before which none of the others is */
export function lsnEarliest(...lsns: [string, ...string[]]): string {
  return lsns.reduce((earliest, lsn) => (lsnValue(lsn) < lsnValue(earliest) ? lsn : earliest));
}

/** @returns the position as a number, to compare */
export function lsnValue(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** Where a message stands in the log. Places are in the order of commits, and within one in that of its messages. */
export interface Place {
  /** Position of the commit. */
  commit: bigint;
  /** Position of the message itself. */
  message: bigint;
}

/** Whether `place` comes after `other`; everything comes after null. */
export function isAfter(place: Place, other: Place | null): boolean {
  if (!other) return true;
  return place.commit === other.commit ? place.message > other.message : place.commit > other.commit;
}

/** @returns the position as PostgreSQL writes it */
export function lsnText(value: bigint): string {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffffffffn).toString(16).toUpperCase()}`;
}
