/** A code of docs/ERRORS.md that a query can be refused with. */
export type BadQueryCode =
  | 'PGRST100'
  | 'PGRST200'
  | 'invalid_name'
  | 'operator_not_served'
  | 'select_too_deep'
  | 'too_many_values';

const SENTENCES: Readonly<Record<BadQueryCode, string>> = {
  PGRST100: 'La requête est mal formée.',
  PGRST200: 'Cette table ne peut pas être imbriquée ici.',
  invalid_name: 'La requête emploie un nom réservé.',
  operator_not_served: 'Cet opérateur n’est pas proposé.',
  select_too_deep: 'La requête demande trop de tables imbriquées.',
  too_many_values: 'La requête compte trop de valeurs.',
};

/** A query that is refused before anybody else reads it. */
export class BadQuery extends Error {
  override readonly name = 'BadQuery';
  readonly code: BadQueryCode;
  /** What to do, in English. */
  readonly hint: string;

  constructor(code: BadQueryCode, hint: string) {
    super(SENTENCES[code]);
    this.code = code;
    this.hint = hint;
  }
}
