import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../config.ts';

/** What a request says of where it wants to go; the raw headers, since Node keeps the first of several `Host` alone. */
export type Target = Pick<IncomingMessage, 'url' | 'rawHeaders'>;

/** How a request is refused whose target is not to be answered: 400 when it is malformed, 421 under a foreign name. */
export type TargetRefusal = 400 | 421;

/**
 * Judges the name under which a request calls, in its target (`GET http://name/ HTTP/1.1`) and in `Host`: RFC 9112 lets
 * the target's name win, so both must be right and the same. A server that only this machine can reach answers only to
 * names of this machine: otherwise a web page could reach it under a name of its own that resolves to 127.0.0.1.
 *
 * @param loopback whether the server listens on this machine alone
 * @returns null when the request may be answered
 */
export function judgeTarget({ url = '', rawHeaders }: Target, loopback: boolean): TargetRefusal | null {
  const named = hostsIn(rawHeaders);
  const host = named.length === 1 ? parseAuthority(named[0] ?? '') : null;
  if (!host) return 400;
  let target = host;
  if (!url.startsWith('/')) {
    const absolute = /^https?:\/\/([^/?#\\]+)/i.exec(url)?.[1];
    const authority = absolute === undefined || !URL.canParse(url) ? null : parseAuthority(absolute);
    if (!authority) return 400;
    target = authority;
  }
  if (loopback && !(isOfThisMachine(host) && isOfThisMachine(target))) return 421;
  return target.host === host.host ? null : 400;
}

function hostsIn(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
}

/** A name or address with or without a port, and nothing else. */
function parseAuthority(text: string): URL | null {
  if (!/^[\w.\-:[\]]+$/.test(text) || !URL.canParse(`http://${text}`)) return null;
  return new URL(`http://${text}`);
}

function isOfThisMachine({ hostname }: URL): boolean {
  const name = hostname.replace(/^\[|\]$/g, '');
  return isLoopback(name) || name.endsWith('.localhost');
}
