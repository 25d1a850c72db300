/** The official client in a group's topic: when each plan change reached its callback, and what it said. */
import { REALTIME_SUBSCRIBE_STATES, type SupabaseClient, createClient } from '@supabase/supabase-js';
import { monotonicMs } from './clock.ts';
import type { Heard } from './delivery.ts';
import type { Product } from './product.ts';

export interface PlanMember {
  /** Of the group. */
  id: string;
  token: string;
}

export class PlanListener implements AsyncDisposable {
  readonly #client: SupabaseClient;
  /** Instants, monotonic milliseconds, by revision. */
  readonly #arrivals = new Map<number, number>();
  readonly #messages: string[] = [];
  #arrived = (): void => {};

  private constructor(client: SupabaseClient) {
    this.#client = client;
  }

  /** Joins the topic of the member's group; resolves when the server has said yes. */
  static async join(product: Product, member: PlanMember): Promise<PlanListener> {
    const client = createClient(product.url, product.publishableKey, {
      accessToken: () => Promise.resolve(member.token),
    });
    await client.realtime.setAuth();
    const listener = new PlanListener(client);
    const channel = client.channel(`group:${member.id}`, { config: { private: true } });
    channel.on('broadcast', { event: 'plan_changed' }, ({ payload }) => {
      const { rev } = payload as { rev: number };
      if (!listener.#arrivals.has(rev)) listener.#arrivals.set(rev, monotonicMs());
      listener.#messages.push(JSON.stringify(payload));
      listener.#arrived();
    });
    await new Promise<void>((resolve, reject) => {
      channel.subscribe((status, error) => {
        if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) resolve();
        else if (error) reject(error);
      });
    });
    return listener;
  }

  /**
   * Waits for the callback of a revision.
   *
   * @returns its instant, monotonic milliseconds; undefined when it does not come within `deadlineMs`
   */
  async arrival(rev: number, deadlineMs: number): Promise<number | undefined> {
    const late = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#arrived = () => {
        if (!this.#arrivals.has(rev)) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#arrived();
    await late;
    return this.#arrivals.get(rev);
  }

  /** All messages until now. */
  heard(): Heard {
    const messages = [...new Set(this.#messages)];
    const order = this.#messages.map((message) => messages.indexOf(message));
    return { messages, orders: [{ messages: order, listeners: 1 }], cutOff: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.removeAllChannels();
    await this.#client.realtime.disconnect();
  }
}
