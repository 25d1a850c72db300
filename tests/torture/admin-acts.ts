/** What a group admin does in the web app, through the official client: all rows go through policies and limits. */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import { outcomeOf, outcomeOfStorage } from './answers.ts';
import { createDeck, pick } from './chance.ts';
import type { Actor, Outcome } from './crew.ts';

export interface Admin {
  client: SupabaseClient;
  group: string;
  /** Slugs of plans to ask for. */
  plans: readonly string[];
  random: () => number;
}

type Act = (admin: Admin) => Promise<Outcome>;

const MOST_ROWS = 6;
const MOST_RESERVED = 5e7;

const someone = { first_name: 'Élève', last_name: 'de la tourmente' };
const upTo = (most: number, random: () => number): number => 1 + Math.floor(random() * most);

/** A school of the group to put somebody in; any id where there is none now, which is refused. */
async function anySchool({ client, random }: Admin): Promise<string> {
  const { data } = await client.from('schools').select('id').eq('status', 'active').limit(20);
  return data && data.length > 0 ? pick(data as { id: string }[], random).id : randomUUID();
}

/** Turns some rows of a table off and others on. */
function turn(table: string, on: string, off: string): Act {
  return async ({ client, random }) => {
    const [from, to] = random() < 0.5 ? [on, off] : [off, on];
    const { data } = await client.from(table).select('id').eq('status', from).limit(upTo(MOST_ROWS, random));
    const ids = (data ?? []).map(({ id }) => id as string);
    return outcomeOf(`${table} turned ${to}`, await client.from(table).update({ status: to }).in('id', ids));
  };
}

const ACTS: readonly Act[] = [
  async ({ client, group }) =>
    outcomeOf('school', await client.from('schools').insert({ school_group_id: group, name: 'École neuve' })),
  async (admin) => {
    const row = { school_group_id: admin.group, school_id: await anySchool(admin), ...someone };
    return outcomeOf('pupil', await admin.client.from('students').insert(row));
  },
  async (admin) => {
    const row = { school_group_id: admin.group, school_id: await anySchool(admin), ...someone };
    const rows = Array.from({ length: upTo(MOST_ROWS, admin.random) }, () => row);
    return outcomeOf('pupils in bulk', await admin.client.from('students').insert(rows));
  },
  async (admin) => {
    const row = { school_group_id: admin.group, school_id: await anySchool(admin), ...someone };
    return outcomeOf('staff', await admin.client.from('staff').insert(row));
  },
  async (admin) => {
    const school = await anySchool(admin);
    const kind = admin.random() < 0.5 ? 'students' : 'staff';
    const answer = await admin.client.rpc(`import_${kind}`, {
      p_rows: Array.from({ length: upTo(MOST_ROWS, admin.random) }, () => someone),
      p_mode: pick(['preview', 'all_or_nothing', 'first_that_fit'], admin.random),
      p_school_id: school,
    });
    return outcomeOf('import', answer);
  },
  turn('schools', 'active', 'archived'),
  turn('students', 'active', 'inactive'),
  turn('staff', 'active', 'inactive'),
  sendDocument,
  removeDocument,
  async ({ client, plans, random }) =>
    outcomeOf(
      'request for a plan',
      await client.rpc('request_plan_change', { p_plan_slug: pick(plans, random), p_reason: 'Essai' }),
    ),
  async ({ client }) => {
    const { data } = await client.from('plan_change_requests').select('id').eq('status', 'pending').limit(1);
    const id = (data?.[0]?.['id'] as string | undefined) ?? randomUUID();
    return outcomeOf(
      'request withdrawn',
      await client.rpc('cancel_plan_change_request', { p_request_id: id }),
    );
  },
  async ({ client }) =>
    outcomeOf('notices read', await client.rpc('mark_notifications_read', { p_up_to: 1e9 })),
];

/** Reserves, uploads and confirms, as the web app does. */
async function sendDocument(admin: Admin): Promise<Outcome> {
  const { client, group, random } = admin;
  const reserved = await client
    .from('documents')
    .insert({ school_group_id: group, name: 'Pièce', size_bytes: upTo(MOST_RESERVED, random) })
    .select('id, storage_path')
    .maybeSingle<{ id: string; storage_path: string }>();
  if (!reserved.data) return outcomeOf('document reserved', reserved);
  const { id, storage_path: path } = reserved.data;
  const upload = await client.storage
    .from('documents')
    .upload(path, new Blob(['x'.repeat(upTo(2_000, random))]));
  if (upload.error) return outcomeOfStorage('document uploaded', upload.error);
  return outcomeOf('document', await client.rpc('confirm_document', { p_document_id: id }));
}

async function removeDocument({ client, random }: Admin): Promise<Outcome> {
  const act = 'document removed';
  const { data } = await client.from('documents').select('id, storage_path').limit(20);
  const documents = (data ?? []) as { id: string; storage_path: string }[];
  if (documents.length === 0) {
    return outcomeOf(act, await client.rpc('delete_document', { p_document_id: randomUUID() }));
  }
  const { id, storage_path: path } = pick(documents, random);
  const removed = await client.storage.from('documents').remove([path]);
  if (removed.error) return outcomeOfStorage(act, removed.error);
  return outcomeOf(act, await client.rpc('delete_document', { p_document_id: id }));
}

/** A group admin at work. What a limit refuses is reported, as the web app does. */
export function createAdmin(admin: Admin): Actor {
  const deal = createDeck(ACTS, admin.random);
  return async () => {
    const outcome = await deal()(admin);
    if (outcome.answer === '402') {
      await admin.client.rpc('report_refusal', { p_restriction_type: 'students' });
    }
    return outcome;
  };
}
