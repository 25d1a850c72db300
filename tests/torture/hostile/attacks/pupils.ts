/** A group admin with a valid session in a loop: dear reads, writes that are refused, requests made and withdrawn. */
import { randomUUID } from 'node:crypto';
import { pick } from '../../chance.ts';
import type { Attack, Scene } from '../attack.ts';
import { signed } from '../headers.ts';
import { unfailing } from '../record.ts';
import { send } from '../request.ts';

const MOST_ROWS = 300;

async function ask(scene: Scene, method: string, path: string, body?: object): Promise<string> {
  const { target, record, signal } = scene;
  const answer = await send(target.url, {
    // The honest clients' own address: a school's pupils share it.
    from: '127.0.0.1',
    method,
    path: `/rest/v1/${path}`,
    headers: { ...signed(scene), 'content-type': 'application/json' },
    signal,
    ...(body === undefined ? {} : { body: [Buffer.from(JSON.stringify(body))] }),
  });
  record.answer(`${method} ${path}`, answer, unfailing);
  return answer.text;
}

const ACTS: readonly ((scene: Scene) => Promise<unknown>)[] = [
  (scene) => ask(scene, 'GET', 'students?select=*&order=last_name.desc,first_name.asc'),
  (scene) => ask(scene, 'GET', 'audit_log?select=*'),
  (scene) => ask(scene, 'POST', 'rpc/get_usage_history', {}),
  (scene) => {
    const { school, group } = pick(scene.target.pupils, scene.random);
    const someone = { school_id: school, school_group_id: group, first_name: 'Trop', last_name: 'plein' };
    return ask(
      scene,
      'POST',
      'students',
      Array.from({ length: MOST_ROWS }, () => someone),
    );
  },
  (scene) => ask(scene, 'POST', 'schools', { school_group_id: randomUUID(), name: 'École d’un autre' }),
  (scene) => ask(scene, 'PATCH', 'profiles?id=not.is.null', { role: 'super_admin' }),
  (scene) => ask(scene, 'POST', 'rpc/report_refusal', { p_restriction_type: 'students' }),
  (scene) =>
    ask(scene, 'POST', 'rpc/import_students', { p_rows: [{ first_name: {} }], p_mode: 'all_or_nothing' }),
  async (scene) => {
    await ask(scene, 'POST', 'rpc/request_plan_change', { p_plan_slug: 'premium', p_reason: 'Essai' });
    const pending = await ask(scene, 'GET', 'plan_change_requests?select=id&status=eq.pending&limit=1');
    const id = /"id":"([\w-]+)"/.exec(pending)?.[1] ?? randomUUID();
    return ask(scene, 'POST', 'rpc/cancel_plan_change_request', { p_request_id: id });
  },
];

export const pupils: Attack = {
  name: 'pupils',
  sends: 'signed in: dear reads, refused writes, 300 rows beyond the limit, requests made and withdrawn',
  unharmed: 'rows, 4xx or 503',
  lanes: 6,
  pauseMs: 60,
  async strike(scene) {
    await pick(ACTS, scene.random)(scene);
  },
};
