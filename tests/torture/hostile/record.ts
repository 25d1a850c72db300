/** What an attack sent and what was answered. */
import type { Answer } from './request.ts';

/** Says what is wrong with an answer; `null` when an unharmed server may give it. */
export type Expectation = (answer: Answer) => string | null;

export interface AttackReport {
  name: string;
  strikes: number;
  /** How often each answer came: an HTTP status, or a word such as `closed`. */
  answers: Record<string, number>;
  /** Answers that an unharmed server does not give. */
  wrong: number;
  /** Some of them, a sentence each. */
  examples: string[];
}

/** So many examples of wrong answers are kept of each attack. */
const EXAMPLES = 3;
const UNAVAILABLE = 503;

/** The server must refuse: with 4xx or 503, or by closing the connection. */
export const refused: Expectation = ({ status }) =>
  typeof status === 'number' && (status < 400 || status >= 500) && status !== UNAVAILABLE
    ? 'must be refused'
    : null;

/** The server may serve or refuse, but must not fail. */
export const unfailing: Expectation = ({ status }) =>
  typeof status === 'number' && status >= 500 && status !== UNAVAILABLE ? 'must not fail' : null;

/** The server may serve, within so many bytes, refuse, or break the statement off. */
export function bounded(bytes: number): Expectation {
  return (answer) => {
    if (answer.bytes > bytes) return `must end within ${bytes} bytes`;
    // PostgreSQL breaks off a statement that takes too long.
    return answer.text.includes('57014') ? null : unfailing(answer);
  };
}

export class AttackRecord {
  readonly #report: AttackReport;
  #underWay = 0;

  constructor(name: string) {
    this.#report = { name, strikes: 0, answers: {}, wrong: 0, examples: [] };
  }

  get report(): AttackReport {
    return this.#report;
  }

  /** Strikes that have begun and not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Notes the beginning of a strike; call the result at its end. */
  begin(): () => void {
    this.#report.strikes += 1;
    this.#underWay += 1;
    return () => void (this.#underWay -= 1);
  }

  /** Notes something that happened, such as `socket opened`. */
  count(what: string): void {
    this.#report.answers[what] = (this.#report.answers[what] ?? 0) + 1;
  }

  /** Notes that the server did what it must not. */
  wrong(sentence: string): void {
    this.#report.wrong += 1;
    if (this.#report.examples.length < EXAMPLES) this.#report.examples.push(sentence);
  }

  /**
   * Notes an answer and judges it.
   *
   * @param what the request, such as `GET /rest/v1/schools`
   */
  answer(what: string, answer: Answer, expectation: Expectation): void {
    this.count(String(answer.status));
    const wrong = expectation(answer);
    if (wrong !== null) {
      this.wrong(`${shorten(what)} was answered ${answer.status} (${answer.bytes} bytes) and ${wrong}`);
    }
  }
}

/** Longest part of a request that stands in a sentence, characters. */
const LONGEST = 160;

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
