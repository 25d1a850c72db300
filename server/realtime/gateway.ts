/**
 * A gateway that speaks Supabase Realtime's protocol on any PostgreSQL: see docs/REALTIME.md.
 *
 *   PostgreSQL ──slot──▶ feed ──▶ hub ──▶ channels ──▶ connections ──▶ browsers
 *        ▲                         ▲          │
 *        └── authorization ◀───────┼──────────┘ join, token, first push
 *                                  └── client broadcasts, REST
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { accountOf, Accounts, isSignedIn } from './accounts.ts';
import { createAsk } from './asking.ts';
import { createAuthorizer } from './authorization.ts';
import { Changes } from './changes/changes.ts';
import { CLOSE_RESTART, CLOSE_TRY_LATER, Connection } from './connection.ts';
import type { Context } from './context.ts';
import { openPool } from './dying-sessions.ts';
import { Doubts } from './doubts.ts';
import { FairQueue } from './fair-queue.ts';
import { Feed } from './feed.ts';
import { Hub } from './hub.ts';
import { createMetrics } from './metrics.ts';
import { DEFAULT_LIMITS, SILENT_LOGGER, type Gateway, type GatewayOptions } from './options.ts';
import { preflight } from './preflight.ts';
import { Presence } from './presence.ts';
import { createRestHandler } from './rest.ts';
import { Resumption } from './resumption.ts';
import { createSessions, type Session } from './sessions.ts';
import { Settling } from './settling.ts';
import { Slot } from './slot.ts';
import { Turns } from './turns.ts';
import { createUpgradeHandler, type Refusal } from './upgrade.ts';
import { Strangers } from './strangers.ts';
import { createStore } from './store.ts';
import { startUpkeep } from './upkeep.ts';

const CROWDED: Refusal = {
  status: 429,
  reason: 'ConnectionRateLimitReached',
  message: 'Too many connected users',
};
const CLOSE_GOING_AWAY = 1001;
/** Time for the closing handshakes of all sockets, milliseconds. */
const GOODBYE_MS = 1_000;

/**
 * Starts a gateway. When the promise resolves, the slot stands and streams: from then on no commit is missed.
 *
 * @param options where the database is and who may come in; see GatewayOptions
 * @throws RealtimeError `DatabaseUnsuitable` or `SlotUnavailable`, or the database's own error
 */
export async function createRealtimeGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const log = options.logger ?? SILENT_LOGGER;
  const metrics = createMetrics(options.metrics);
  const now = Date.now;
  const publicChannels = options.publicChannels ?? false;
  const sessions = createSessions(options, now);
  const holder = `realtime_gateway ${randomUUID()}`;
  const connection = { connectionString: options.databaseUrl, application_name: holder };
  // The questions, and one connection beside them for the slot and the partitions.
  const poolOf = (max: number): pg.Pool =>
    openPool({ ...connection, max, connectionTimeoutMillis: 10_000, keepAlive: true }, log);
  const pool = poolOf(limits.probes + 1);

  const hub = new Hub(metrics);
  const connections = new Set<Connection>();
  const ask = createAsk(pool, limits);
  const line = new FairQueue({ slots: limits.probes, waitingPerBearer: limits.waitingPerBearer });
  // Changes have connections of their own: neither they nor joins starve the other.
  const changesPool = poolOf(limits.changeProbes);
  const askChanges = createAsk(changesPool, { probeTimeoutMs: limits.changeProbeTimeoutMs });
  const storePool = openPool(
    {
      ...connection,
      max: 1,
      keepAlive: true,
      connectionTimeoutMillis: limits.storeTimeoutMs,
      statement_timeout: limits.storeTimeoutMs,
      query_timeout: 2 * limits.storeTimeoutMs,
    },
    log,
  );
  const settling = new Settling(ask, limits.probeTimeoutMs);
  const changes = new Changes({ ask: askChanges, limits, metrics, log });
  const context: Context = {
    hub,
    presence: new Presence(limits, metrics, now),
    authorizer: createAuthorizer(log),
    askFor: (bearer, isWanted) => (statements) => line.run(bearer, () => ask(statements), isWanted),
    publicChannels,
    strangers: new Strangers(limits, publicChannels, now),
    accounts: new Accounts(limits, now),
    settling,
    resumption: new Resumption(limits, now),
    changes,
    stored: () => feed.stored(),
    feedReady: () => feed.ready(limits.replicationReadyMs),
    sessions,
    turns: new Turns(),
    limits,
    metrics,
    log,
    now,
  };
  let closing = false;

  let slot: Slot;
  let feed: Feed;
  try {
    slot = new Slot(pool, options.slotName ?? `realtime_gateway_${await preflight(pool)}`, holder, log);
    feed = new Feed({
      // Values are written for JSON: one time zone, one form of dates.
      connection: {
        ...connection,
        options: '-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c bytea_output=hex',
      },
      slot,
      hub,
      changes,
      settling,
      store: createStore(storePool, log),
      limits,
      metrics,
      log,
      now,
      onLost: () => {
        for (const each of connections) each.guard('interrupt', () => each.interrupt());
      },
      onSuperseded: () => {
        for (const each of connections) each.close(CLOSE_RESTART, 'another gateway took over');
      },
    });
    await feed.start();
  } catch (error) {
    changes.stop();
    await Promise.all([pool, changesPool, storePool].map((each) => each.end()));
    throw error;
  }
  const doubts = new Doubts((concerns) => {
    context.resumption.forget(concerns);
    for (const each of connections) each.doubt(concerns);
  });
  const stopUpkeep = startUpkeep(pool, log);
  const sweeper = setInterval(() => {
    const instant = now();
    for (const each of connections) each.guard('sweep', () => each.sweep(instant));
  }, limits.sweepMs);
  const strangerSweeper = setInterval(() => context.strangers.sweep(now()), limits.strangerSweepMs);

  const closedDoor = (): Refusal | null => {
    if (closing || feed.status === 'superseded') {
      return { status: 503, reason: 'RealtimeRestarting', message: 'Realtime is restarting, please standby' };
    }
    return connections.size < limits.connections ? null : CROWDED;
  };
  const closedTo = (session: Session, network: string): Refusal | null => {
    if (!isSignedIn(session)) return context.strangers.isFull(network) ? CROWDED : null;
    const account = accountOf(session);
    return account !== null && context.accounts.isFull(account) ? CROWDED : null;
  };

  const handleUpgrade = createUpgradeHandler({
    sessions,
    frameBytes: limits.frameBytes,
    headerBytes: limits.headerBytes,
    closedDoor,
    closedTo,
    networkOf: options.networkOf ?? ((request) => request.socket.remoteAddress ?? ''),
    onRefused: (refusal) => {
      metrics.refusals.inc({ reason: refusal.reason });
      log.info({ reason: refusal.reason }, 'connection refused');
    },
    onBroken: (error) => {
      metrics.exceptions.inc({ where: 'upgrade' });
      log.error({ err: error }, 'refused an upgrade after an unexpected exception');
    },
    onOpen: (ws, socket, guest) => {
      // Others may have come in since this one was looked at.
      const closed = closedTo(guest.session, guest.network);
      if (closed) return ws.close(CLOSE_TRY_LATER, closed.reason);
      const opened = new Connection(context, ws, socket, guest);
      connections.add(opened);
      // Counted as it arrives: `ws` hands on whole messages only, and a half one may be of any size.
      socket.on('data', ({ length }: Buffer) => opened.guard('data', () => opened.arrived(length)));
      metrics.connections.set(connections.size);
      ws.on('message', (data: Buffer, isBinary) =>
        opened.guard('message', () => opened.receive(data, isBinary)),
      );
      ws.on('ping', (data: Buffer) => opened.guard('ping', () => opened.ping(data)));
      // `ws` closes by itself after an error (frame too large, bad UTF-8); without a listener it would throw.
      ws.on('error', (error) => log.debug({ err: error }, 'socket error'));
      ws.on('close', () => {
        connections.delete(opened);
        metrics.connections.set(connections.size);
        opened.guard('close', () => opened.released());
      });
    },
  });

  return {
    handleUpgrade,
    recheck: (doubt) => doubts.add(doubt),
    isCrowded: () => context.strangers.areCrowd,
    fetch: createRestHandler(context),
    health: () => ({
      status: feed.status === 'streaming' ? 'ok' : 'degraded',
      feed: feed.status,
      slot: slot.name,
      connections: connections.size,
      channels: [...connections].reduce((sum, each) => sum + each.channelCount, 0),
    }),
    close: async ({ dropSlot = false } = {}) => {
      closing = true;
      clearInterval(sweeper);
      clearInterval(strangerSweeper);
      doubts.stop();
      stopUpkeep();
      for (const each of connections) each.close(CLOSE_GOING_AWAY, 'the server is going away');
      for (let left = GOODBYE_MS; left > 0 && connections.size > 0; left -= 10) await pause(10);
      for (const each of connections) each.terminate();
      await feed.stop();
      if (dropSlot) await slot.drop();
      changes.stop();
      await Promise.all([pool, changesPool, storePool].map((each) => each.end()));
    },
  };
}
