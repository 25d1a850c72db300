/** What was found wrong, by kind: all is counted, one example of each kind is kept. */
export class Findings {
  readonly #kinds = new Map<string, { count: number; example: string }>();

  /** Notes something wrong. */
  add(kind: string, example: string): void {
    const known = this.#kinds.get(kind);
    if (known) known.count += 1;
    else this.#kinds.set(kind, { count: 1, example });
  }

  /** A sentence for each kind. */
  sentences(): string[] {
    return [...this.#kinds].map(([kind, { count, example }]) => `${kind}, ${count} ×: ${example}`);
  }
}
