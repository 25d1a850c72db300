// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { checkField, FilterCount, sealFilter, sealTree } from './filters.ts';
import { unseal } from './sealed.ts';

/** The text with every sealed value shown in angle brackets. */
function opened(text: string): string {
  return text.replaceAll(/"?(sealed_[0-9a-f]{32}_[\w-]*)"?/g, (_, sealed: string) => `<${unseal(sealed)}>`);
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a filter', () => {
  it.each([
    ['eq.5', 'eq.<5>'],
    ['eq.Null', 'eq.<Null>'],
    ['eq."Lycée"', 'eq.<"Lycée">'],
    ['eq. Devant', 'eq.< Devant>'],
    ['not.eq.a.b', 'not.eq.<a.b>'],
    ['eq.', 'eq.<>'],
    ['eq.1e3', 'eq.<1e3>'],
    ['eq.{"a":1}', 'eq.<{"a":1}>'],
    ['ilike.*a*', 'ilike.<%a%>'],
    ['not.in.(a,"b,\\"c\\"",Null, d)', 'not.in.(<a>,<b,"c">,<Null>,< d>)'],
    ['in.()', 'in.()'],
    ['in.(a,)', 'in.(<a>,<>)'],
    ['like(any).{a*,"b,*"}', 'like(any).{<a%>,<b,%>}'],
    ['eq(all).{1,2}', 'eq(all).{<1>,<2>}'],
    ['cs.{a,b}', 'cs.<{a,b}>'],
    ['sl.[1,2)', 'sl.<[1,2)>'],
    ['wfts(french).chat noir', 'wfts(french).<chat noir>'],
    ['is.NULL', 'is.null'],
    ['not.is.true', 'not.is.true'],
  ])('%s keeps its value: %s', (text, expected) => expect(opened(sealFilter(text))).toBe(expected));

  it.each([
    '',
    '5',
    'eq',
    'eq5',
    'is.5',
    'in.5',
    'in.(a',
    'in.("a)',
    'in.("a"b)',
    'neq(any).{1}',
    'eq(some).1',
    'like(any).a',
  ])('“%s” is malformed', (text) => expect(codeOf(() => sealFilter(text))).toBe('PGRST100'));

  it.each(['match.a', 'imatch.(a*)*\\1', 'not.match.a', 'match(any).{a}'])('%s is not served', (text) =>
    expect(codeOf(() => sealFilter(text))).toBe('operator_not_served'),
  );
});

describe('a tree of filters', () => {
  it.each([
    ['(a.eq.1,b.eq.2)', '(a.eq.<1>,b.eq.<2>)'],
    [
      '(a.eq.Null, or(b.not.is.null,not.and(c.in.(1,"2,)"),d.eq." x\\"y")))',
      '(a.eq.<Null>,or(b.not.is.null,not.and(c.in.(<1>,<2,)>),d.eq.< x"y>)))',
    ],
    ['(data->>a.ilike.*x*,"a b".eq.)', '(data->>a.ilike.<%x%>,"a b".eq.<>)'],
    ['(a.cs.{1,2},b.eq(any).{"x,y",z})', '(a.cs.<{1,2}>,b.eq(any).{<x,y>,<z>})'],
  ])('%s keeps its values: %s', (text, expected) =>
    expect(opened(sealTree(text, new FilterCount(10)))).toBe(expected),
  );

  it.each(['', '()', 'a.eq.1', '(a.eq.1', '(a.eq.1))', '(a.eq."1)', '(a)', '(.eq.1)', '(and(a.eq.1)'])(
    '“%s” is malformed',
    (text) => expect(codeOf(() => sealTree(text, new FilterCount(10)))).toBe('PGRST100'),
  );

  it('holds as many conditions as the query has left, those of its branches among them', () => {
    const filters = new FilterCount(5);
    sealTree('(a.eq.1,or(b.eq.2,c.eq.3))', filters);
    expect(codeOf(() => sealTree('(a.eq.1,b.eq.1)', filters))).toBe('passed');
    expect(codeOf(() => sealTree('(a.eq.1)', filters))).toBe('too_many_values');
  });

  it('nests eight levels deep, and no deeper', () => {
    const nested = (levels: number): string => `${'(or'.repeat(levels - 1)}(a.eq.1)${')'.repeat(levels - 1)}`;
    expect(codeOf(() => sealTree(nested(8), new FilterCount(10)))).toBe('passed');
    expect(codeOf(() => sealTree(nested(9), new FilterCount(10)))).toBe('PGRST100');
  });

  it.each(['(__proto__.eq.1)', '("__proto__".eq.1)', '(data->constructor.eq.1)', '(or(toString.eq.1))'])(
    '%s takes a name that every object has',
    (text) => expect(codeOf(() => sealTree(text, new FilterCount(10)))).toBe('invalid_name'),
  );
});

describe('the name of a column', () => {
  it.each(['a', 'é_1', 'schools.name', '"a b"', 'data->a->>b', 'data->-1', 'schools."x".y'])(
    '%s passes',
    (field) => expect(codeOf(() => checkField(field))).toBe('passed'),
  );
  it.each(['', '.', 'a.', 'a b', 'a::text', 'a!b', 'a(b)', '1', 'a->', '"', "a'"])(
    '“%s” is malformed',
    (field) => expect(codeOf(() => checkField(field))).toBe('PGRST100'),
  );
  it.each([
    '__proto__',
    '"__proto__"',
    'a.__proto__',
    '__proto__.a',
    'toString',
    'data->>valueOf',
    '"constructor".prototype',
  ])('%s is one that every object has', (field) =>
    expect(codeOf(() => checkField(field))).toBe('invalid_name'),
  );
});
