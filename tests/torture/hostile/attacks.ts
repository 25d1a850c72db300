/** All attacks. A run chooses some by name, or takes all at once. */
import type { Attack } from './attack.ts';
import { broadcasts } from './attacks/broadcasts.ts';
import { embeds } from './attacks/embeds.ts';
import { filters } from './attacks/filters.ts';
import { frames } from './attacks/frames.ts';
import { joins } from './attacks/joins.ts';
import { large } from './attacks/large.ts';
import { names } from './attacks/names.ts';
import { oddRequests } from './attacks/odd-requests.ts';
import { pupils } from './attacks/pupils.ts';
import { rooms } from './attacks/rooms.ts';
import { signIns } from './attacks/sign-ins.ts';
import { slow } from './attacks/slow.ts';
import { sockets } from './attacks/sockets.ts';
import { uploads } from './attacks/uploads.ts';

export const ATTACKS: readonly Attack[] = [
  names,
  oddRequests,
  embeds,
  filters,
  slow,
  large,
  uploads,
  rooms,
  signIns,
  sockets,
  joins,
  frames,
  broadcasts,
  pupils,
];
