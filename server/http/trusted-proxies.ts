/**
 * Who a request comes from, and under which name it was called, when reverse proxies stand in between. What they
 * say in `X-Forwarded-*` counts only if they are trusted by address: anybody can write those headers.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';

/** The far end of a request, as far as it can be believed. */
export interface Client {
  /** Network address; empty when the connection is gone. */
  address: string;
  /** Origin under which the client called, such as `https://epilot.example`. */
  origin: string;
}

export type ReadClient = (context: Context) => Client;

/**
 * Makes the reader of a request's far end.
 *
 * @param proxies addresses and networks in CIDR form; nothing is trusted besides them, not even this machine
 * @throws TypeError when one of them is no network, see {@link isNetwork}
 */
export function createClientReader(proxies: readonly string[]): ReadClient {
  const isTrusted = trust(proxies);
  return (context) => {
    const peer = plainAddress(getConnInfo(context).remote.address ?? '');
    const { host } = new URL(context.req.url);
    if (!isTrusted(peer)) return { address: peer, origin: `http://${host}` };
    const protocol = lastOf(context, 'x-forwarded-proto') === 'https' ? 'https' : 'http';
    const named = lastOf(context, 'x-forwarded-host') ?? '';
    return {
      address: addressBehind(peer, listOf(context, 'x-forwarded-for'), isTrusted),
      origin: `${protocol}://${/^[\w.:[\]-]+$/.test(named) ? named : host}`,
    };
  };
}

/**
 * Makes the reader of the network that an upgrade to a WebSocket comes from, as {@link networkOf} names it.
 *
 * @param proxies as for {@link createClientReader}
 * @throws TypeError when one of them is no network, see {@link isNetwork}
 */
export function createNetworkReader(proxies: readonly string[]): (request: IncomingMessage) => string {
  const isTrusted = trust(proxies);
  return ({ headers, socket }) => {
    const hops = [headers['x-forwarded-for'] ?? []].flat().join(',');
    const peer = plainAddress(socket.remoteAddress ?? '');
    return networkOf(addressBehind(peer, entriesOf(hops), isTrusted));
  };
}

/** Whether a text is an IP address, or a network such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null;
}

/**
 * The network that one subscriber holds: an IPv4 address, or the 64-bit prefix of an IPv6 address, within which
 * everybody can take as many addresses as they like.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const canonical = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = canonical.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

function trust(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const network = parseNetwork(proxy);
    if (!network) throw new TypeError(`${proxy} is neither an address nor a network`);
    trusted.addSubnet(network.address, network.prefix, network.family);
  }
  return (address) => address !== '' && trusted.check(address, familyOf(address));
}

/** The rightmost hop that is no trusted proxy: what stands left of it, its bearer may have made up. */
function addressBehind(peer: string, hops: string[], isTrusted: (address: string) => boolean): string {
  let address = peer;
  while (isTrusted(address)) {
    const hop = plainAddress(hops.pop() ?? '');
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

function listOf(context: Context, name: string): string[] {
  return entriesOf(context.req.header(name) ?? '');
}

function entriesOf(list: string): string[] {
  return list.split(',').map((entry) => entry.trim());
}

/** What the nearest proxy wrote; a list's earlier entries may be the client's own. */
function lastOf(context: Context, name: string): string | undefined {
  return listOf(context, name).pop();
}

/** An address without port, brackets or the form in which IPv6 sockets show IPv4. */
function plainAddress(text: string): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return bare.replace(/^::ffff:(?=[\d.]+$)/i, '');
}

function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | null {
  const [address = '', length, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)))
    return null;
  const longest = isIP(address) === 6 ? 128 : 32;
  const prefix = length === undefined ? longest : Number(length);
  return prefix <= longest ? { address, prefix, family: familyOf(address) } : null;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
