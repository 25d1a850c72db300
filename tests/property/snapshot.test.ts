import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UsageTuple } from '../../src/core/catalogue.ts';
import type { EntitlementSnapshot } from '../../src/core/entitlements.ts';
import { categoriesOf, isOlder, newestSnapshot } from '../../src/core/group-state.ts';
import { createGroupSync } from '../../src/lib/realtime/groupSync.ts';
import { createFakeClock, settle } from '../helpers/fakeClock.ts';
import { catalogue, planMessage, planOf, snapshotOf, usageMessage } from '../helpers/fixtures.ts';

/** What happens on the server: each is one commit, one revision, one message. */
type Commit =
  | { kind: 'plan'; plan: string }
  | { kind: 'usage'; usage: UsageTuple }
  /** An exception of this group: a module more than its plan gives, or none. */
  | { kind: 'exception'; module: string | null };

/** What the line makes of it. */
type Step =
  | { do: 'commit'; commit: Commit }
  /** The backup of an earlier commit takes the place of all that followed it. */
  | { do: 'restore'; index: number }
  /** The next message in order arrives, or is lost. */
  | { do: 'next'; isLost: boolean }
  /** Any message, once more or much too late. */
  | { do: 'repeat'; index: number }
  | { do: 'join' }
  | { do: 'drop' }
  | { do: 'answer'; index: number }
  | { do: 'fail'; index: number }
  | { do: 'wait'; ms: number };

const commit: fc.Arbitrary<Commit> = fc.oneof(
  fc.record({ kind: fc.constant('plan' as const), plan: fc.constantFrom('gratuit', 'premium', 'pro') }),
  fc.record({
    kind: fc.constant('usage' as const),
    usage: fc.tuple(fc.nat(12), fc.nat(2_100), fc.nat(60), fc.nat(60)),
  }),
  fc.record({ kind: fc.constant('exception' as const), module: fc.constantFrom(null, 'module-40') }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('commit' as const), commit }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('next' as const), isLost: fc.nat(7).map((n) => n === 0) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), index: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), index: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), index: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), index: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1_500) }) },
);

/** What a backup holds of the group; the epoch is what a restore does not bring back. */
interface Rows {
  rev: number;
  plan: string;
  usage: UsageTuple;
  extra: string | null;
}

/** The server as it truly was at every epoch and revision, and the messages it sent. */
class ModelServer {
  readonly sent: Array<{ event: string; payload: unknown }> = [];
  private rows: Rows = { rev: 1, plan: 'pro', usage: [1, 0, 3, 0], extra: null };
  private readonly backups: Rows[] = [this.rows];
  private e = 1;
  private readonly history = new Map<string, EntitlementSnapshot>();

  constructor() {
    this.remember();
  }

  get state(): EntitlementSnapshot {
    return this.at(this.e, this.rows.rev);
  }

  at(e: number, rev: number): EntitlementSnapshot {
    return this.history.get(`${e}.${rev}`)!;
  }

  private get modules(): string[] {
    const { plan, extra } = this.rows;
    return [...new Set([...planOf(plan).modules, ...(extra ? [extra] : [])])].sort();
  }

  private remember(): void {
    const { modules, e } = this;
    const { plan, usage, rev } = this.rows;
    const categories = categoriesOf(modules, catalogue);
    this.history.set(`${e}.${rev}`, snapshotOf(plan, usage, rev, { e, modules, categories }));
  }

  restore(index: number): void {
    this.rows = this.backups[index % this.backups.length]!;
    this.e += 1;
    this.remember();
  }

  commit(change: Commit): void {
    const rev = this.rows.rev + 1;
    this.rows = { ...this.rows, rev };
    if (change.kind === 'plan') this.rows.plan = change.plan;
    if (change.kind === 'usage') this.rows.usage = change.usage;
    if (change.kind === 'exception') this.rows.extra = change.module;
    this.backups.push(this.rows);
    this.remember();
    const { e } = this;
    const { plan, usage } = this.rows;
    const isOwn = this.modules.length !== planOf(plan).modules.length;
    const rights = planMessage(plan, rev, usage, { e, ...(isOwn ? { own: true as const } : {}) });
    if (change.kind === 'plan') this.sent.push({ event: 'plan_changed', payload: rights });
    else if (change.kind === 'usage') {
      this.sent.push({ event: 'usage_changed', payload: usageMessage(rev, usage, { e }) });
    } else this.sent.push({ event: 'entitlements_changed', payload: rights });
  }
}

/** A client over a line that loses, repeats, reorders and delays; answers are computed when asked for. */
function createWorld() {
  const server = new ModelServer();
  const clock = createFakeClock();
  const answers: Array<{ deliver: () => void; fail: () => void }> = [];
  const world = {
    server,
    clock,
    answers,
    shown: undefined as EntitlementSnapshot | undefined,
    /** Answers wait until the test lets them go. */
    holds: false,
    delivered: 0,
  };
  const sync = createGroupSync(
    {
      fetchSnapshot: () => {
        const answer = server.state;
        if (!world.holds) return Promise.resolve(answer);
        const { promise, resolve, reject } = Promise.withResolvers<EntitlementSnapshot>();
        answers.push({ deliver: () => resolve(answer), fail: () => reject(new Error('no answer')) });
        return promise;
      },
      readSnapshot: () => world.shown,
      writeSnapshot: (snapshot) => {
        const before = world.shown;
        world.shown = newestSnapshot(before, snapshot);
        const { e, rev } = world.shown;
        if (before) expect(isOlder({ e, rev, at: 0 }, { e: before.e, rev: before.rev, at: 0 })).toBe(false);
        // Not a mixture of revisions: exactly what the server was at that one.
        expect({ ...world.shown, as_of: '' }).toEqual({ ...server.at(e, rev), as_of: '' });
      },
      readCatalogue: () => catalogue,
      onConfirmed: () => undefined,
      onFetchFailed: () => undefined,
      isVisible: () => true,
    },
    clock,
  );
  return { world, sync };
}

function answerOf(world: ReturnType<typeof createWorld>['world'], index: number) {
  // The newest more often than the old: given-up answers arrive too, but should not crowd out the rest.
  return world.answers[world.answers.length - 1 - (index % Math.max(1, world.answers.length))];
}

async function play(steps: Step[]) {
  const { world, sync } = createWorld();
  sync.onJoined();
  await settle();
  world.holds = true;
  for (const one of steps) {
    if (one.do === 'commit') world.server.commit(one.commit);
    if (one.do === 'restore') world.server.restore(one.index);
    if (one.do === 'next' && world.delivered < world.server.sent.length) {
      const message = world.server.sent[world.delivered]!;
      world.delivered += 1;
      if (!one.isLost) sync.onEvent(message.event, message.payload);
    }
    if (one.do === 'repeat' && world.server.sent.length > 0) {
      const message = world.server.sent[one.index % world.server.sent.length]!;
      sync.onEvent(message.event, message.payload);
    }
    if (one.do === 'join') sync.onJoined();
    if (one.do === 'drop') sync.onLost?.();
    if (one.do === 'answer') answerOf(world, one.index)?.deliver();
    if (one.do === 'fail') answerOf(world, one.index)?.fail();
    if (one.do === 'wait') await world.clock.advance(one.ms);
    await settle();
  }
  return { world, sync };
}

test('I5: however messages and answers are lost, repeated, reordered or late, over restores of backups too, no older (e, rev) follows a newer one, and each shown state is the true one of its (e, rev)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const { sync } = await play(steps);
      sync.stop();
    }),
    { numRuns: 500 },
  );
});

test('I5: whatever went before, within a second of a reconnect the screen equals the server', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const { world, sync } = await play(steps);
      world.holds = false;
      sync.onJoined();
      await world.clock.advance(1_000);
      expect({ ...world.shown, as_of: '' }).toEqual({ ...world.server.state, as_of: '' });
      sync.stop();
      expect(world.clock.pending()).toBe(0);
    }),
    { numRuns: 500 },
  );
});
