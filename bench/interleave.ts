/**
 * Runs the variants of a comparison in turn, A B C  B C A  C A B …, so that whatever else the machine does meets all
 * of them, and none is always the first after another.
 *
 * @param variants one measurement each; its unit is the caller's
 * @param rounds how often each is measured
 * @returns the measurements of each variant, in the order of the rounds
 */
export async function interleave<Name extends string, Measurement>(
  variants: Record<Name, () => Promise<Measurement>>,
  rounds: number,
): Promise<Record<Name, Measurement[]>> {
  const names = Object.keys(variants) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Measurement[]]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as Name;
      measured[name]?.push(await variants[name]());
    }
  }
  return measured as Record<Name, Measurement[]>;
}
