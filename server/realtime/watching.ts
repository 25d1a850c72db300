import type { ReadRights } from './authorization.ts';

/** Whether a channel is told who is here: from its join on, or from its first `track`; never without the right. */
export class Watching {
  #wanted: boolean;
  #begun = false;

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  want(): void {
    this.#wanted = true;
  }

  /** True once: the state is to be sent now, and differences follow. */
  begins(rights: ReadRights): boolean {
    if (this.#begun || !this.#wanted || !rights.presence) return false;
    this.#begun = true;
    return true;
  }
}
