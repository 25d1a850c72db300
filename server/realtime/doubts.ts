import type { Session } from './sessions.ts';

/** Whose rights may have been lost: those of one session, or of a subject wherever it is signed in. */
export interface Doubt {
  session?: string;
  subject?: string;
}

/** How long doubts are gathered, milliseconds: many come at once, and each look goes over all channels. */
const GATHER_MS = 20;

/** Gathers doubts, then has them looked into together. */
export class Doubts {
  readonly #look: (concerns: (session: Session) => boolean) => void;
  #sessions = new Set<string>();
  #subjects = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param look asks for the rights of all bearers again that the doubt concerns */
  constructor(look: (concerns: (session: Session) => boolean) => void) {
    this.#look = look;
  }

  add({ session, subject }: Doubt): void {
    if (session) this.#sessions.add(session);
    if (subject) this.#subjects.add(subject);
    this.#timer ??= setTimeout(() => this.#gathered(), GATHER_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #gathered(): void {
    const [sessions, subjects] = [this.#sessions, this.#subjects];
    this.#sessions = new Set();
    this.#subjects = new Set();
    this.#timer = undefined;
    this.#look(({ sessionId, subject }) => sessions.has(sessionId) || subjects.has(subject));
  }
}
