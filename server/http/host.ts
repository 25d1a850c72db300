import { isLoopback } from '../config.ts';

/**
 * Whether a request's `Host` header may be answered. A server that only this machine can reach answers only to
 * names of this machine: otherwise a web page could reach it under a name of its own that resolves to 127.0.0.1.
 *
 * @param header the `Host` header
 * @param loopback whether the server listens on this machine alone
 */
export function isHostAllowed(header: string | undefined, loopback: boolean): boolean {
  if (!loopback) return true;
  if (!header || !URL.canParse(`http://${header}`)) return false;
  const name = new URL(`http://${header}`).hostname.replace(/^\[|\]$/g, '');
  return isLoopback(name) || name.endsWith('.localhost');
}
