import { createServer, connect, type Server, type Socket } from 'node:net';

export interface CuttableLine {
  /** Origin under which the server is reached through this line. */
  url: string;
  /** Breaks every connection and refuses new ones. */
  cut: () => Promise<void>;
  /** Lets connections through again. */
  restore: () => Promise<void>;
  stop: () => Promise<void>;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

/** A line to a server that a test can cut, as a weak network does: for HTTP and sockets alike. */
export async function createCuttableLine(serverUrl: string): Promise<CuttableLine> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
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
  const port = await listen(server, 0);
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    url: `http://127.0.0.1:${port}`,
    cut,
    restore: async () => {
      await listen(server, port);
    },
    stop: async () => {
      if (server.listening) await cut();
    },
  };
}
