/** One honest group admin with the official client, who hears every message of its own group. */
import { setTimeout as pause } from 'node:timers/promises';
import { REALTIME_SUBSCRIBE_STATES, type SupabaseClient } from '@supabase/supabase-js';
import type { Findings } from './findings.ts';
import { type Desk, ROUND, type Step } from './honest-steps.ts';
import type { Member } from './siege-stage.ts';
import { type Address, openClient, signIn } from './stage.ts';

const LATE_MS = 20_000;
const POLL_MS = 50;
const TEXT = 'Un document de l’école.';

export class HonestClient {
  readonly group: string;
  /** Paths of documents that are reserved and not yet uploaded. */
  readonly paths: string[] = [];
  readonly #address: Address;
  readonly #member: Member;
  readonly #client: SupabaseClient;
  readonly #findings: Findings;
  readonly #desk: Desk;
  readonly #documents: string[] = [];
  #next = 0;
  #joined = 0;
  /** Newest revision heard; the first message sets it. */
  #rev = 0;

  private constructor(address: Address, member: Member, client: SupabaseClient, findings: Findings) {
    this.#address = address;
    this.#member = member;
    this.#client = client;
    this.#findings = findings;
    this.group = member.tenant.id;
    this.#desk = { client, group: this.group, school: member.tenant.school, pupil: null };
  }

  static async open(address: Address, member: Member, findings: Findings): Promise<HonestClient> {
    const honest = new HonestClient(address, member, await signIn(address, member.account), findings);
    await honest.#join();
    return honest;
  }

  /** Reserves documents until so many wait for their upload. @throws Error when one is refused */
  async reserve(count: number): Promise<void> {
    while (this.paths.length < count) {
      const { data, error } = await this.#client
        .from('documents')
        .insert({ school_group_id: this.group, name: 'Pièce', size_bytes: new Blob([TEXT]).size })
        .select('id, storage_path')
        .single<{ id: string; storage_path: string }>();
      if (error) throw new Error(`A document could not be reserved: ${error.message}`, { cause: error });
      this.#documents.push(data.id);
      this.paths.push(data.storage_path);
    }
  }

  /** Joins the group's private topic. @throws Error when it is not let in */
  async #join(): Promise<void> {
    const joined = Promise.withResolvers<void>();
    this.#client
      .channel(`group:${this.group}`, { config: { private: true } })
      .on('broadcast', { event: '*' }, ({ payload }) => this.#heard(payload as { rev?: number }))
      .subscribe((status, error) => {
        if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) this.#joined += 1;
        if (this.#joined === 1) return joined.resolve();
        if (this.#joined === 0)
          return joined.reject(new Error(`The topic was not joined: ${status}`, { cause: error }));
        if (status !== REALTIME_SUBSCRIBE_STATES.CLOSED) {
          this.#findings.add('An honest channel did not stay joined', `${status} ${error?.message ?? ''}`);
        }
      });
    await joined.promise;
  }

  #heard({ rev }: { rev?: number }): void {
    if (rev === undefined) return;
    if (this.#rev > 0 && rev !== this.#rev + 1) {
      this.#findings.add('A message was missed or out of order', `revision ${rev} came after ${this.#rev}`);
    }
    this.#rev = rev;
  }

  /** Waits until the message of a revision has arrived. */
  async hear(rev: number): Promise<void> {
    const deadline = performance.now() + LATE_MS;
    while (this.#rev < rev && performance.now() < deadline) await pause(POLL_MS);
    if (this.#rev < rev) {
      this.#findings.add('Messages did not arrive', `revision ${this.#rev} was the last heard of ${rev}`);
    }
  }

  /** Makes one request over REST and judges its answer. */
  async step(gone: AbortSignal): Promise<void> {
    const { name, ask, isRight } = ROUND[this.#next++ % ROUND.length] as Step;
    const { status, error, data } = await ask(this.#desk);
    if (gone.aborted) return;
    if (error) this.#findings.add(`${name}: an honest request was answered ${status}`, error.message);
    else if (!isRight(this.#desk, data)) {
      this.#findings.add(`${name}: an answer was wrong`, JSON.stringify(data).slice(0, 200));
    }
  }

  /** Signs in once more, as another tab does. @returns how long that took, milliseconds */
  async signInAgain(gone: AbortSignal): Promise<number> {
    const began = performance.now();
    const { email, password } = this.#member.account;
    const { error } = await openClient(this.#address).auth.signInWithPassword({ email, password });
    if (error && !gone.aborted) {
      this.#findings.add(`An honest sign-in was answered ${error.status}`, error.message);
    }
    return performance.now() - began;
  }

  /** Uploads one of its documents and reads it back. @returns how long both took, milliseconds; `null` when none is left */
  async sendDocument(gone: AbortSignal): Promise<number | null> {
    const [path, id] = [this.paths.shift(), this.#documents.shift()];
    if (path === undefined) return null;
    const bucket = this.#client.storage.from('documents');
    const began = performance.now();
    const { error } = await bucket.upload(path, new Blob([TEXT], { type: 'text/plain' }));
    const confirmed = error ? null : await this.#client.rpc('confirm_document', { p_document_id: id });
    const read = error ? null : await bucket.download(path);
    const took = performance.now() - began;
    if (gone.aborted) return null;
    const failure = error ?? confirmed?.error ?? read?.error ?? null;
    if (failure) this.#findings.add('An honest upload failed', failure.message);
    else if ((await read?.data?.text()) !== TEXT) this.#findings.add('A document was read back wrong', path);
    return took;
  }

  async close(): Promise<void> {
    await this.#client.removeAllChannels();
  }
}
