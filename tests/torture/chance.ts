/** Choices by a generator of numbers from 0 to 1, so that a seed repeats them. */

/** One of a list, by chance. */
export function pick<Item>(list: readonly Item[], random: () => number): Item {
  return list[Math.floor(random() * list.length)]!;
}

/** So many of a list, by chance, in its order. */
export function pickSome<Item>(list: readonly Item[], count: number, random: () => number): Item[] {
  const left = [...list.keys()];
  const chosen: number[] = [];
  while (chosen.length < count && left.length > 0) {
    chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return chosen.sort((a, b) => a - b).map((place) => list[place]!);
}

/** Deals a pack again and again, shuffled each time: every item comes before any comes twice as often. */
export function createDeck<Item>(pack: readonly Item[], random: () => number): () => Item {
  let rest: Item[] = [];
  return () => {
    if (rest.length === 0) rest = [...pack];
    return rest.splice(Math.floor(random() * rest.length), 1)[0]!;
  };
}
