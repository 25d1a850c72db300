/**
 * How deeply JSON may be nested. `JSON.parse` takes any depth, but `JSON.stringify` calls itself once a level and throws
 * RangeError at some thousands: a value that came in could then not be sent out again.
 */

/** Most levels of arrays and objects within each other, in anything that a client sends. */
export const NESTING_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{`, `]` and `}` differ from each other in this bit alone. */
const CURLY = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/**
 * Whether a JSON text is nested deeper than {@link NESTING_MAX}: a scan that counts brackets outside strings, and runs
 * before the text is parsed.
 *
 * @param json any text; for one that is not JSON the answer means nothing, and the parser refuses it
 */
export function isTooDeep(json: string): boolean {
  // Each level needs two brackets.
  if (json.length <= 2 * NESTING_MAX) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const char = json.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    const bracket = char & ~CURLY;
    if (bracket === OPENING) {
      depth += 1;
      if (depth > NESTING_MAX) return true;
    } else if (bracket === CLOSING) depth -= 1;
  }
  return false;
}

/**
 * Parses JSON of a client.
 *
 * @throws SyntaxError when it is not JSON, or is nested deeper than {@link NESTING_MAX}
 */
export function parseJson(json: string): unknown {
  if (isTooDeep(json)) throw new SyntaxError(`JSON is nested deeper than ${NESTING_MAX} levels`);
  return JSON.parse(json);
}

/** Place of the quote that ends the string which begins at `from`; the end of the text when none does. */
function endOfString(json: string, from: number): number {
  for (let end = json.indexOf('"', from + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return json.length;
}
