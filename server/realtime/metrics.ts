import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Everything the gateway counts; docs/REALTIME.md lists the names. */
export type Metrics = ReturnType<typeof createMetrics>;

/** @param registry where the metrics are told; a private one when absent */
export function createMetrics(registry: Registry = new Registry()) {
  const registers = [registry];
  return {
    connections: new Gauge({ name: 'realtime_connections', help: 'Open sockets', registers }),
    channels: new Gauge({ name: 'realtime_channels', help: 'Joined channels', registers }),
    joins: new Counter({ name: 'realtime_joins_total', help: 'Joins granted', registers }),
    refusals: new Counter({
      name: 'realtime_refusals_total',
      help: 'Connections, joins and pushes refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    changesBacklog: new Gauge({
      name: 'realtime_changes_backlog_bytes',
      help: 'Changed rows received and not yet told to all who wait for them',
      registers,
    }),
    changesCut: new Counter({
      name: 'realtime_changes_cut_total',
      help: 'Channels sent to refetch because changes came faster than they could be told',
      registers,
    }),
    messages: new Counter({
      name: 'realtime_messages_total',
      help: 'Messages accepted for fan-out, by source',
      labelNames: ['source'],
      registers,
    }),
    deliveries: new Counter({
      name: 'realtime_deliveries_total',
      help: 'Messages written to sockets',
      registers,
    }),
    presences: new Gauge({ name: 'realtime_presences', help: 'Channels that track themselves', registers }),
    fanout: new Histogram({
      name: 'realtime_fanout_seconds',
      help: 'Time to write one message to all members of its topic',
      buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
      registers,
    }),
    feedDelay: new Histogram({
      name: 'realtime_feed_delay_seconds',
      help: 'Time from the commit of a message to its fan-out',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
    feedLag: new Gauge({
      name: 'realtime_feed_lag_bytes',
      help: 'Write-ahead log received but not acknowledged',
      registers,
    }),
    unstored: new Gauge({
      name: 'realtime_unstored_bytes',
      help: 'Messages delivered and kept to be stored for replay',
      registers,
    }),
    feedConnected: new Gauge({
      name: 'realtime_feed_connected',
      help: '1 while the database feed streams',
      registers,
    }),
    feedReconnects: new Counter({
      name: 'realtime_feed_reconnects_total',
      help: 'Reconnections of the database feed',
      registers,
    }),
    slotsLost: new Counter({
      name: 'realtime_slots_lost_total',
      help: 'Times the replication slot was gone and made anew',
      registers,
    }),
    slowCloses: new Counter({
      name: 'realtime_slow_closes_total',
      help: 'Sockets closed because they read too slowly',
      registers,
    }),
    silentCloses: new Counter({
      name: 'realtime_silent_closes_total',
      help: 'Sockets closed because they sent nothing',
      registers,
    }),
    exceptions: new Counter({
      name: 'realtime_exceptions_total',
      help: 'Exceptions that nobody foresaw, by where they were caught; each closed one socket',
      labelNames: ['where'],
      registers,
    }),
    badFrames: new Counter({
      name: 'realtime_bad_frames_total',
      help: 'Malformed frames ignored',
      registers,
    }),
  };
}
