/** The gateway as a process of its own, so that it can be killed in the middle of anything. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRealtimeGateway } from '../../server/realtime/gateway.ts';
import type { GatewayNews, GatewayOrder } from './messages.ts';

process.once('disconnect', () => process.exit());
process.once('message', ({ databaseUrl, jwtSecret, publishableKey, port }: GatewayOrder) => {
  void (async () => {
    const gateway = await createRealtimeGateway({
      databaseUrl,
      jwtSecret,
      publishableKeys: [publishableKey],
      secretKeys: [],
      // A thousand clients of one account.
      limits: { socketsPerAccount: 20_000, joinsPerSecondPerAccount: 20_000 },
    });
    const server = createServer();
    server.on('upgrade', gateway.handleUpgrade);
    server.listen(port, '127.0.0.1', () => {
      const news: GatewayNews = { port: (server.address() as AddressInfo).port };
      process.send?.(news);
    });
  })();
});
