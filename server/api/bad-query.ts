/** A code of docs/ERRORS.md that a query can be refused with. */
export type BadQueryCode = 'PGRST100' | 'invalid_name' | 'operator_not_served' | 'select_too_deep';

const SENTENCES: Readonly<Record<BadQueryCode, string>> = {
  PGRST100: 'La requête est mal formée.',
  invalid_name: 'La requête emploie un nom réservé.',
  operator_not_served: 'Cet opérateur n’est pas proposé.',
  select_too_deep: 'La requête demande trop de tables imbriquées.',
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
