/** Names that every JavaScript object has, where names of tables, columns and arguments are expected. */
import { pick } from '../../chance.ts';
import type { Attack, Scene } from '../attack.ts';
import { keyed, signed } from '../headers.ts';
import { type Expectation, refused, unfailing } from '../record.ts';
import { send } from '../request.ts';

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'constructor.prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
];

const QUERIES: readonly ((name: string) => string)[] = [
  (name) => `x?${name}=eq.1`,
  (name) => `schools?${name}=eq.1`,
  (name) => `schools?"${name}"=eq.1`,
  (name) => `schools?%22${name}%22=eq.1`,
  (name) => `schools?select=${name}`,
  (name) => `schools?select=${name}::text`,
  (name) => `schools?select=a:${name}`,
  (name) => `schools?select=name,${name}(*)`,
  (name) => `schools?select=name,students(${name})`,
  (name) => `schools?select=name,a:${name}!inner(*)`,
  (name) => `schools?order=${name}.asc`,
  (name) => `schools?and=(${name}.eq.1)`,
  (name) => `schools?or=(name.eq.a,${name}.not.is.null)`,
  (name) => `students?${name}.name=eq.1`,
  (name) => `schools?name->${name}=eq.1`,
  (name) => `${name}?select=*`,
  (name) => `rpc/${name}`,
  (name) => `rpc/get_entitlements?${name}=1`,
  (name) => `rpc/get_entitlements?"${name}"=1`,
];

const WRITES: readonly ((name: string) => [path: string, body: string])[] = [
  (name) => ['schools', `{"name": "x", "${name}": {"polluted": true}}`],
  (name) => ['schools', `[{"${name}": 1}]`],
  (name) => [`schools?columns=${name}`, `[{"name": "x"}]`],
  (name) => [`schools?on_conflict=${name}`, `[{"${name}": "x"}]`],
  (name) => ['rpc/get_entitlements', `{"${name}": {"polluted": true}}`],
  (name) => ['rpc/import_students', `{"p_rows": [{"${name}": 1}], "p_mode": "preview", "${name}": 1}`],
];

export const names: Attack = {
  name: 'names',
  sends: '`__proto__`, `constructor.prototype`, `toString` in queries, bodies and arguments',
  unharmed: '400 or 404; OPTIONS is answered',
  lanes: 6,
  pauseMs: 40,
  async strike(scene) {
    const { random } = scene;
    const name = pick(NAMES, random);
    const choice = random();
    if (choice < 0.3) return ask(scene, 'OPTIONS', pick(QUERIES, random)(name), {}, unfailing);
    const headers = pick([{}, keyed(scene), signed(scene)], random);
    if (choice < 0.7) return ask(scene, 'GET', pick(QUERIES, random)(name), headers, refused);
    const [path, body] = pick(WRITES, random)(name);
    const json = { ...headers, 'content-type': 'application/json' };
    return ask(scene, pick(['POST', 'PATCH'], random), path, json, refused, body);
  },
};

async function ask(
  { target, record, address, signal }: Scene,
  method: string,
  query: string,
  headers: Record<string, string>,
  expectation: Expectation,
  body?: string,
): Promise<void> {
  const path = `/rest/v1/${query}`;
  const answer = await send(target.url, {
    from: address(),
    method,
    path,
    headers,
    signal,
    ...(body === undefined ? {} : { body: [Buffer.from(body)] }),
  });
  record.answer(`${method} ${path}${body === undefined ? '' : ` ${body}`}`, answer, expectation);
}
