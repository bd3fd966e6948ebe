/** JSON values, and JSON pointers (RFC 6901) into them. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** `''` is the whole value; otherwise `/`-separated, `~1` for `/` and `~0` for `~`. */
export type JsonPointer = string;

/** Pointers of claims are few and used on every line. */
const stepsKept = 1000;
const stepsOf = new Map<JsonPointer, readonly string[]>();

function steps(pointer: JsonPointer): readonly string[] {
  const known = stepsOf.get(pointer);
  if (known) return known;
  const parsed = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (stepsOf.size < stepsKept) stepsOf.set(pointer, parsed);
  return parsed;
}

/** The value at `pointer`, or `undefined` when there is none. Reads own properties only. */
export function valueAt(root: unknown, pointer: JsonPointer): Json | undefined {
  if (pointer === '') return root as Json | undefined;
  let value: unknown = root;
  for (const key of steps(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value as Json | undefined;
}

/** Structural equality; the order of object keys does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as Record<string, unknown>;
  return left.length === Object.keys(b).length && left.every(([key, value]) => Object.hasOwn(b, key) && sameJson(value, right[key]));
}

const shownLength = 120;

/** A value as a reader sees it in a message: JSON, cut to 120 characters. */
export function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}… (${text.length} characters)`;
}
