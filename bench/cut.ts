/** Loaded into the server by product.ts: at a signal, every connection that clients have to it is torn at once. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const sockets = new Set<Socket>();
subscribe('net.server.socket', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});
process.on('SIGUSR2', () => {
  for (const socket of sockets) socket.destroy();
});
