/** Changes bytes by chance: what is sent is then almost right, which reaches further into a parser than noise. */

const MOST_CHANGES = 4;
/** Bytes that mean something in JSON and in headers of frames. */
const MEANINGFUL = Buffer.from('{}[]",:\\0-e\u0000\u00ff', 'latin1');

/** A copy of the bytes with some of them replaced, removed, repeated or cut off; never empty. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(bytes);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let n = 1 + below(MOST_CHANGES); n > 0; n -= 1) {
    const at = below(mutated.length);
    const until = Math.min(mutated.length, at + 1 + below(40));
    const choice = random();
    if (choice < 0.4) mutated[at] = MEANINGFUL[below(MEANINGFUL.length)] as number;
    else if (choice < 0.6) mutated[at] = below(256);
    else if (choice < 0.75) {
      mutated = Buffer.concat([mutated.subarray(0, until), mutated.subarray(at)]);
    } else if (until - at < mutated.length) {
      mutated = Buffer.concat([
        mutated.subarray(0, at),
        mutated.subarray(choice < 0.95 ? until : mutated.length),
      ]);
    }
    if (mutated.length === 0) return Buffer.from('{');
  }
  return mutated;
}
