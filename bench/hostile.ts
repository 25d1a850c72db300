/**
 * P17: the whole product while a crew of strangers and pupils attacks it in every way that `tests/torture/hostile` knows, all
 * at once; what that costs honest clients, beside the same clients in the quiet of the same run.
 */
import { MortalProduct } from '../tests/torture/product.ts';
import { besiege } from '../tests/torture/siege.ts';
import { judgeSiege } from './hostile-report.ts';
import type { Part } from './report.ts';

/** As long as the attack: a p99 of fewer requests would be one or two of them. */
const QUIET_SECONDS = 45;
const ATTACK_SECONDS = 45;
const HONEST = 6;
const SCREENS = 2;

export const hostile: Part = {
  name: 'hostile',
  async run(progress, { seed }) {
    await using product = await MortalProduct.start();
    return [
      judgeSiege(
        await besiege({
          product,
          quietSeconds: QUIET_SECONDS,
          attackSeconds: ATTACK_SECONDS,
          honest: HONEST,
          screens: SCREENS,
          strength: 1,
          seed,
          progress,
        }),
      ),
    ];
  },
};
