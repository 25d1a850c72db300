/**
 * The gateway of fanout-process.ts with one flaw, named on the command line: what the benchmark must tell from the
 * real one.
 */
import { Hub, type Member, type StreamName } from '../server/realtime/hub.ts';

type Deliver = Member['deliver'];

const IDLE = new Int32Array(new SharedArrayBuffer(4));

/** What a flaw makes of the way of a message to one member. */
const FLAWS: Record<string, (deliver: Deliver, serial: number) => Deliver> = {
  /** Copies the frame for each socket and waits for each. */
  slow: (deliver) => (frame, id) => {
    Atomics.wait(IDLE, 0, 0, 3);
    deliver(Buffer.from(frame), id);
  },
  /** Of ten sockets, one loses messages, one gets all twice, one in the wrong order, and one another text. */
  mangles: (deliver, serial) => MANGLES[serial % 10]?.(deliver) ?? deliver,
  /** Every socket hears of every topic that anybody has joined before it. */
  strays: (deliver) => deliver,
  /** Keeps 64 KB for every socket that left. */
  hoards: (deliver) => deliver,
};

const MANGLES: ReadonlyArray<(deliver: Deliver) => Deliver> = [
  (deliver) => {
    let count = 0;
    return (frame, id) => {
      count += 1;
      if (count % 3 !== 0) deliver(frame, id);
    };
  },
  (deliver) => (frame, id) => {
    deliver(frame, id);
    deliver(frame, id);
  },
  (deliver) => {
    let count = 0;
    let held: Buffer | undefined;
    return (frame, id) => {
      count += 1;
      if (count % 3 === 1) {
        held = frame;
        return;
      }
      deliver(frame, id);
      if (held) deliver(held);
      held = undefined;
    };
  },
  (deliver) => (frame, id) => {
    const garbled = Buffer.from(frame);
    garbled[garbled.length - 5] = 'y'.charCodeAt(0);
    deliver(garbled, id);
  },
];

const flaw = process.argv[2] ?? '';
const wrap = FLAWS[flaw];
if (!wrap) throw new Error(`No such flaw: ${flaw}`);

type Act = (this: Hub, stream: StreamName, member: Member) => void;
const honest: Record<'join' | 'leave', Act> = {
  join: Reflect.get<Hub, 'join'>(Hub.prototype, 'join'),
  leave: Reflect.get<Hub, 'leave'>(Hub.prototype, 'leave'),
};
const wrapped = new Map<Member, Member>();
const streams: StreamName[] = [];
const hoard: Buffer[] = [];

Hub.prototype.join = function (stream, member) {
  const flawed = wrapped.get(member) ?? {
    version: member.version,
    deliver: wrap((frame, id) => member.deliver(frame, id), wrapped.size),
    broke: (where, error) => member.broke(where, error),
  };
  wrapped.set(member, flawed);
  honest.join.call(this, stream, flawed);
  if (flaw !== 'strays') return;
  for (const other of streams) honest.join.call(this, other, flawed);
  streams.push(stream);
};
Hub.prototype.leave = function (stream, member) {
  honest.leave.call(this, stream, wrapped.get(member) ?? member);
  wrapped.delete(member);
  if (flaw === 'hoards') hoard.push(Buffer.alloc(65_536));
};

await import('./fanout-process.ts');
