/** Milliseconds of the machine's monotonic clock: the same for all processes, unmoved by corrections of the time. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
