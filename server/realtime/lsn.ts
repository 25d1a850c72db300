/** Positions in PostgreSQL's write-ahead log, written `high/low` in hexadecimal. */

/** @returns the position one byte earlier */
export function lsnBefore(lsn: string): string {
  const value = lsnValue(lsn);
  return fromBigInt(value > 0n ? value - 1n : 0n);
}

/** @returns bytes from `from` to `to`, 0 when `to` is not later */
export function lsnDistance(from: string, to: string): number {
  return Math.max(0, Number(lsnValue(to) - lsnValue(from)));
}

/** @returns the position as a number, to compare */
export function lsnValue(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

function fromBigInt(value: bigint): string {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffffffffn).toString(16).toUpperCase()}`;
}
