/** What an honest group admin does over and over with the official client, and what each answer must be. */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import type { EntitlementSnapshot } from '../../src/core/entitlements.ts';
import type { Answer } from './answers.ts';
import { HONEST_STUDENTS } from './siege-stage.ts';

/** Where one admin works. */
export interface Desk {
  client: SupabaseClient;
  group: string;
  school: string;
  /** The pupil that is enrolled now beside those who always are. */
  pupil: { id: string; last_name: string } | null;
}

export interface Step {
  name: string;
  /** One request over REST. */
  ask: (desk: Desk) => PromiseLike<Answer & { data: unknown }>;
  /** Judges what a request without an error answered. */
  isRight: (desk: Desk, data: unknown) => boolean;
}

const countOf = ({ pupil }: Desk): number => HONEST_STUDENTS + (pupil ? 1 : 0);

const enrol: Step = {
  name: 'enrol',
  ask: (desk) => {
    desk.pupil = { id: randomUUID(), last_name: randomUUID() };
    const row = { ...desk.pupil, first_name: 'Élève', school_group_id: desk.group, school_id: desk.school };
    return desk.client.from('students').insert(row);
  },
  isRight: () => true,
};

const rename: Step = {
  name: 'rename',
  ask: (desk) => {
    const last_name = randomUUID();
    const id = desk.pupil?.id ?? '';
    desk.pupil = { id, last_name };
    return desk.client.from('students').update({ last_name }).eq('id', id).select('id');
  },
  isRight: (_desk, data) => (data as unknown[]).length === 1,
};

const takeOff: Step = {
  name: 'take off',
  ask: (desk) => {
    const id = desk.pupil?.id ?? '';
    desk.pupil = null;
    return desk.client.from('students').update({ status: 'inactive' }).eq('id', id).select('id');
  },
  isRight: (_desk, data) => (data as unknown[]).length === 1,
};

const readPupil: Step = {
  name: 'pupil',
  ask: ({ client, pupil }) =>
    client
      .from('students')
      .select('id, last_name')
      .eq('id', pupil?.id ?? ''),
  isRight: ({ pupil }, data) => {
    const [row, ...more] = data as { id: string; last_name: string }[];
    return row?.id === pupil?.id && row?.last_name === pupil?.last_name && more.length === 0;
  },
};

const list: Step = {
  name: 'list',
  ask: ({ client }) => client.from('students').select('id, schools(name)').eq('status', 'active').limit(200),
  isRight: (desk, data) => {
    const rows = data as { schools: { name: string } | null }[];
    return rows.length === countOf(desk) && rows.every(({ schools }) => schools?.name === 'École mère');
  },
};

const schools: Step = {
  name: 'schools',
  ask: ({ client }) => client.from('schools').select('id, name').order('name'),
  isRight: ({ school }, data) => {
    const rows = data as { id: string }[];
    return rows.length === 1 && rows[0]?.id === school;
  },
};

const rights: Step = {
  name: 'rights',
  ask: ({ client }) => client.rpc('get_entitlements'),
  isRight: (desk, data) => {
    const { school_group_id, restrictions } = data as EntitlementSnapshot;
    return school_group_id === desk.group && restrictions.students.usage === countOf(desk);
  },
};

/** One round: a pupil comes and goes, and every change is read back. */
export const ROUND: readonly Step[] = [
  enrol,
  rights,
  readPupil,
  rename,
  readPupil,
  list,
  takeOff,
  schools,
  list,
  rights,
];
