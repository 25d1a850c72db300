/** Honest group admins beside an attack: each knows what every answer must be, and how long it took is kept. */
import { setTimeout as pause } from 'node:timers/promises';
import { Findings } from './findings.ts';
import { HonestClient } from './honest-client.ts';
import type { Address } from './stage.ts';
import type { Member } from './siege-stage.ts';

/** Durations in milliseconds. */
export interface Durations {
  /** Of reads, writes and functions over REST, from when each was due. */
  rest: number[];
  /** Of uploads and downloads. */
  storage: number[];
  signIn: number[];
}

/** Adds durations to others of the same kind. */
export function addDurations(to: Durations, more: Durations): void {
  to.rest.push(...more.rest);
  to.storage.push(...more.storage);
  to.signIn.push(...more.signIn);
}

/** A client's requests are due one after the other, so far apart, milliseconds. */
const EVERY_MS = 200;
/** Between two visits of one client: a new sign-in, and a document where it has one, milliseconds. */
const VISIT_MS = 3_000;

export class HonestClients {
  readonly findings = new Findings();
  readonly #clients: HonestClient[] = [];

  private constructor() {}

  /** Signs everybody in and joins their private topics. */
  static async open(address: Address, members: readonly Member[]): Promise<HonestClients> {
    const clients = new HonestClients();
    for (const member of members) {
      clients.#clients.push(await HonestClient.open(address, member, clients.findings));
    }
    return clients;
  }

  /** Every other client reserves as many documents as it will upload in so many seconds. */
  async reserve(seconds: number): Promise<void> {
    const count = Math.ceil((seconds * 1_000) / VISIT_MS);
    for (const client of this.#clients.filter((_, place) => place % 2 === 0)) await client.reserve(count);
  }

  /** Paths that are reserved and not yet uploaded to. */
  get paths(): string[] {
    return this.#clients.flatMap(({ paths }) => paths);
  }

  /**
   * Works for so long.
   *
   * @param gone ends the work before its time; nothing is then noted as wrong any more
   */
  async work(ms: number, gone: AbortSignal): Promise<Durations> {
    const durations: Durations = { rest: [], storage: [], signIn: [] };
    const until = performance.now() + ms;
    await Promise.all(
      this.#clients.flatMap((client, place) => [
        this.#step(client, place / this.#clients.length, until, durations, gone),
        this.#visit(client, place / this.#clients.length, until, durations, gone),
      ]),
    );
    return durations;
  }

  /**
   * Takes a step whenever one is due. Law: a client that waits for an answer is not idle but late, so a step's time counts
   * from when it was due; steps that were never reached count, too, with the time until the end.
   */
  async #step(
    client: HonestClient,
    phase: number,
    until: number,
    { rest }: Durations,
    gone: AbortSignal,
  ): Promise<void> {
    for (let due = performance.now() + phase * EVERY_MS; due < until; due += EVERY_MS) {
      const now = performance.now();
      if (gone.aborted) return;
      if (now >= until) {
        rest.push(now - due);
        continue;
      }
      if (due > now) await pause(due - now);
      const began = performance.now();
      await client.step(gone);
      if (!gone.aborted) rest.push(performance.now() - Math.min(due, began));
    }
  }

  async #visit(
    client: HonestClient,
    phase: number,
    until: number,
    { storage, signIn }: Durations,
    gone: AbortSignal,
  ): Promise<void> {
    for (let due = performance.now() + phase * VISIT_MS; due < until; due += VISIT_MS) {
      await pause(Math.max(0, due - performance.now()), undefined, { signal: gone }).catch(() => {});
      if (gone.aborted) return;
      signIn.push(await client.signInAgain(gone));
      if (gone.aborted) return;
      const took = await client.sendDocument(gone);
      if (took !== null) storage.push(took);
    }
  }

  /** Waits until every message of every revision has arrived, and notes those that have not. */
  async hearAll(revisionOf: (group: string) => Promise<number>): Promise<void> {
    for (const client of this.#clients) await client.hear(await revisionOf(client.group));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
