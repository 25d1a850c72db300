// @vitest-environment node
import { describe, expect, it } from 'vitest';
import type { Relations } from './relations.ts';
import { checkSelect } from './select.ts';

/** Every table but columns such as `school_id`; one row leads to one, but to many of `many_…`. */
const RELATIONS: Relations = {
  has: (name) => !name.endsWith('_id'),
  isToOne: (_from, to) => !to.startsWith('many_'),
};

function codeOf(select: string, root = 'plans'): string {
  try {
    checkSelect(select, root, RELATIONS);
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const list = (count: number): string => Array.from({ length: count }, (_, n) => `e${n}(id)`).join();

describe('a select', () => {
  it.each([
    '*',
    'id, name',
    'id,a(b(c(id))),d(e(f(id)))',
    'x:a!inner(...b(y:c!hint(id)))',
    '"a table"("a column")',
    'count(),amount.sum(),a(count)',
    'data->a->>b,data->0',
    'id::text,x:data->>name::text',
    'a(id),a(name)',
    'many_a(b(id)),c(many_d(id))',
    list(10),
  ])('%s passes', (select) => expect(codeOf(select)).toBe('passed'));

  it.each([
    'a(b(c(d(id))))',
    'x:a!inner(...b(y:c!hint(d(id))))',
    list(11),
    // A thousand times a thousand rows in each row.
    'many_a(many_b(id))',
    'a(many_b(c(id),many_d(id)))',
    // Brackets that close nothing, because a name goes on behind them.
    'a(")":b(")":c(")":d(id))))',
  ])('%s embeds too much', (select) => expect(codeOf(select)).toBe('select_too_deep'));

  it.each([
    ['students', 'schools(students(id))'],
    ['students', '*,schools(*,students(*))'],
    ['students', 'schools(x:students!a_key!inner(id))'],
    ['students', 'schools("students"(id))'],
    ['students', 'schools(...students(id))'],
    ['groups', 'schools(groups(id))'],
    ['plans', 'a(b(a(id)))'],
  ])('of %s, %s reads a table within itself', (root, select) =>
    expect(codeOf(select, root)).toBe('select_too_deep'),
  );

  it.each(['school_group_id(*)', 'staff(*,school_group_id(*,students(*)))'])(
    '%s embeds a table by its key and not by its name',
    (select) => expect(codeOf(select)).toBe('PGRST200'),
  );

  it.each(['id))),a(b(c(d(id))))', 'a(x->k),b(id)', 'a("b', '(id)', 'x:(id)'])('%s is malformed', (select) =>
    expect(codeOf(select)).toBe('PGRST100'),
  );

  it.each([
    '__proto__',
    '"__proto__"',
    '__proto__::text',
    'a:__proto__',
    '__proto__:a',
    'toString(id)',
    'a(constructor)',
    'a!prototype(id)',
    'data->__proto__',
    'data->>"hasOwnProperty"',
  ])('%s takes a name that every object has', (select) => expect(codeOf(select)).toBe('invalid_name'));

  it('of thousands of blanks or quotes is judged at once', () => {
    expect(codeOf(`${' '.repeat(16_000)}!(id)`)).toBe('PGRST100');
    expect(codeOf(`${'""'.repeat(8_000)}(id)`)).toBe('PGRST100');
  });
});
