/** Addresses to attack from: all on this machine, where the network 127.0.0.0/8 has sixteen million of them. */
import { createServer } from 'node:net';

const ONLY = '127.0.0.1';

/** Law: traffic never leaves this machine. @throws Error for a target elsewhere */
export function checkTarget(url: string): void {
  const { hostname } = new URL(url);
  if (hostname !== ONLY) throw new Error(`Only ${ONLY} may be attacked, not ${hostname}`);
}

/**
 * Chooses addresses to send from.
 *
 * @param count of different addresses
 * @returns an address by chance; always 127.0.0.1 on a system that has no other, such as macOS
 */
export async function createAddresses(count: number, random: () => number): Promise<() => string> {
  const addresses = Array.from({ length: count }, () => {
    const part = (): number => 1 + Math.floor(random() * 250);
    // Not 127.0.x: honest clients are there.
    return `127.${part()}.${part()}.${part()}`;
  });
  const usable = (await isOurs(addresses[0] ?? ONLY)) ? addresses : [ONLY];
  return () => usable[Math.floor(random() * usable.length)] as string;
}

async function isOurs(address: string): Promise<boolean> {
  const server = createServer();
  const isBound = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, address, () => resolve(true));
  });
  if (isBound) await new Promise((resolve) => server.close(resolve));
  return isBound;
}
