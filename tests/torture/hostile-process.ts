/** The process of the hostile crew: see hostile/crew.ts. */
import { ATTACKS } from './hostile/attacks.ts';
import { runCrew } from './hostile/crew.ts';

runCrew(ATTACKS);
