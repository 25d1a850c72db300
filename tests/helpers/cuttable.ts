import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface CuttableLine {
  /** Origin under which the server is reached through this line. */
  url: string;
  /** Breaks every connection and resets new ones. */
  cut: () => Promise<void>;
  /** Lets connections through again. */
  restore: () => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * A line to a server that a test can cut, as a weak network does: for HTTP and sockets alike. A line that is cut keeps its
 * port: given up, it could be another program's by the time it is restored.
 */
export async function createCuttableLine(serverUrl: string): Promise<CuttableLine> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    near.on('error', () => {});
    if (isCut) return void near.resetAndDestroy();
    const far = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = async (): Promise<void> => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    restore: async () => {
      isCut = false;
    },
    stop: async () => {
      await cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
