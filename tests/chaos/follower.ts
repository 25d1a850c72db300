/**
 * A client that follows the recipe of docs/REALTIME.md, “The client's side”, in raw frames, so that a thousand fit
 * into one process:
 *
 *   away ──socket open──▶ joining ──reply ok──▶ fetching ──snapshot──▶ live ──gap──▶ fetching
 *    ▲                       │ refused, phx_error: join again               │
 *    └───────────────────────┴──── socket gone: connect again ──────────────┘
 *
 * It notes whatever it shows that it should not, and whatever it should have been sent and was not.
 */
import { WebSocket } from 'ws';

export interface FollowerOptions {
  /** Address of the WebSocket, with its query. */
  socketUrl: string;
  /** Address of the snapshot of this topic. */
  snapshotUrl: string;
  topic: string;
  token: string;
  /** From 0 to 1. */
  random: () => number;
}

/** What the messages and the snapshot of a topic carry. */
export interface Revision {
  rev: number;
  /** Topic and revision once more: what is shown must belong here. */
  check: string;
}

export interface FollowerCounts {
  shown: number;
  /** Shown although the same, or a later one, was on the screen already: must stay 0. */
  shownTwice: number;
  shownBackwards: number;
  /** Of another topic, or torn: must stay 0. */
  shownWrong: number;
  /** Revisions that never came on a channel that was joined all the while: must stay 0. */
  gaps: number;
  /** Came twice and was dropped: at least once, as promised. */
  repeatsDropped: number;
  joins: number;
  snapshots: number;
}

const HEARTBEAT_MS = 5_000;
const RETRY_MS = 100;
const RETRY_MAX_MS = 400;

export class Follower {
  readonly counts: FollowerCounts = {
    shown: 0,
    shownTwice: 0,
    shownBackwards: 0,
    shownWrong: 0,
    gaps: 0,
    repeatsDropped: 0,
    joins: 0,
    snapshots: 0,
  };
  readonly #options: FollowerOptions;
  readonly #wireTopic: string;
  #socket: WebSocket | null = null;
  #phase: 'away' | 'joining' | 'fetching' | 'live' | 'done' = 'away';
  #buffer: Revision[] = [];
  /** The newest revision on the screen; -1 before the first. */
  #rev = -1;
  #joinRef = 0;
  #attempts = 0;
  #answered = true;
  #heartbeat: NodeJS.Timeout | undefined;
  #onShown: ((rev: number) => void) | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#wireTopic = `realtime:${options.topic}`;
  }

  get topic(): string {
    return this.#options.topic;
  }

  get rev(): number {
    return this.#rev;
  }

  /** Calls back when the screen shows this revision or a later one. */
  whenShown(rev: number, then: () => void): void {
    if (this.#rev >= rev) return then();
    this.#onShown = (shown) => {
      if (shown < rev) return;
      this.#onShown = undefined;
      then();
    };
  }

  start(): void {
    const socket = new WebSocket(this.#options.socketUrl, { perMessageDeflate: false });
    this.#socket = socket;
    this.#answered = true;
    socket.on('error', () => {});
    socket.on('open', () => this.#join());
    socket.on('message', (data: Buffer, isBinary) => {
      if (this.#socket === socket) this.#receive(data, isBinary);
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#lost();
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Tears the line, without a word of the protocol. */
  cut(): void {
    this.#socket?.terminate();
  }

  stop(): void {
    this.#phase = 'done';
    clearInterval(this.#heartbeat);
    this.#socket?.terminate();
  }

  #join(): void {
    this.#phase = 'joining';
    this.#joinRef += 1;
    const ref = String(this.#joinRef);
    const payload = { config: { private: true }, access_token: this.#options.token };
    this.#send([ref, ref, this.#wireTopic, 'phx_join', payload]);
  }

  #beat(): void {
    if (!this.#answered) return this.cut();
    this.#answered = false;
    this.#send([null, 'beat', 'phoenix', 'heartbeat', {}]);
  }

  #send(message: unknown[]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #lost(): void {
    clearInterval(this.#heartbeat);
    if (this.#phase === 'done') return;
    this.#phase = 'away';
    this.#later(() => this.start());
  }

  /** Tries again after a pause that grows and is never the same for all. */
  #later(act: () => void): void {
    const pause = Math.min(RETRY_MS * 2 ** this.#attempts, RETRY_MAX_MS);
    this.#attempts += 1;
    setTimeout(() => this.#phase !== 'done' && act(), pause * (0.5 + this.#options.random() / 2));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) return this.#heard(payloadOf(data));
    const [joinRef, ref, topic, event, payload] = JSON.parse(data.toString()) as [
      string | null,
      string | null,
      string,
      string,
      { status?: string },
    ];
    if (topic === 'phoenix') this.#answered = true;
    else if (joinRef !== String(this.#joinRef)) return;
    else if (event === 'phx_reply' && ref === joinRef) {
      if (payload.status !== 'ok') return this.#rejoin();
      this.counts.joins += 1;
      this.#attempts = 0;
      void this.#fetch();
    } else if (event === 'phx_error' || event === 'phx_close') this.#rejoin();
  }

  #rejoin(): void {
    this.#phase = 'away';
    const socket = this.#socket;
    this.#later(() => this.#socket === socket && this.#join());
  }

  /** Fetches the snapshot while what comes live waits. */
  async #fetch(): Promise<void> {
    this.#phase = 'fetching';
    this.#buffer = [];
    const joinRef = this.#joinRef;
    const isCurrent = (): boolean => this.#joinRef === joinRef && this.#phase === 'fetching';
    let snapshot: Revision;
    try {
      snapshot = (await (await fetch(this.#options.snapshotUrl)).json()) as Revision;
    } catch {
      return this.#later(() => isCurrent() && void this.#fetch());
    }
    if (!isCurrent()) return;
    this.counts.snapshots += 1;
    if (snapshot.rev > this.#rev) this.#show(snapshot);
    this.#phase = 'live';
    const waiting = this.#buffer;
    this.#buffer = [];
    for (const revision of waiting) this.#heard(revision);
  }

  #heard(revision: Revision): void {
    if (this.#phase === 'fetching') this.#buffer.push(revision);
    if (this.#phase !== 'live') return;
    if (revision.rev <= this.#rev) this.counts.repeatsDropped += 1;
    else if (revision.rev === this.#rev + 1) this.#show(revision);
    else {
      this.counts.gaps += 1;
      void this.#fetch();
    }
  }

  #show({ rev, check }: Revision): void {
    if (rev === this.#rev) this.counts.shownTwice += 1;
    if (rev < this.#rev) this.counts.shownBackwards += 1;
    if (check !== `${this.topic} ${rev}`) this.counts.shownWrong += 1;
    this.counts.shown += 1;
    this.#rev = rev;
    this.#onShown?.(rev);
  }
}

/** The payload of a frame of kind 4. */
function payloadOf(frame: Buffer): Revision {
  const HEADER = 5;
  const names = frame.readUInt8(1) + frame.readUInt8(2) + frame.readUInt8(3);
  return JSON.parse(frame.toString('utf8', HEADER + names)) as Revision;
}
