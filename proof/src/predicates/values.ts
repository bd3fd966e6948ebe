/** Predicates over single values: equality, membership, patterns, bytes, bounds. */
import { z } from 'zod';
import { type Reference, referenceSchema } from '../claim.ts';
import type { Json } from '../json.ts';
import { sameJson, show, valueAt } from '../json.ts';
import { boundedPattern, longestText } from './pattern.ts';
import { fails, inconclusive, type Judgement, pass, type Predicate } from './predicate.ts';
import { type Found, ReferenceReader } from './recorded.ts';

/** A predicate that reads some values and judges them together. */
function overValues<P>(
  name: string,
  params: z.ZodType<P>,
  references: (params: P) => readonly Reference[],
  judge: (values: readonly Found[], params: P, evidence: readonly number[]) => Judgement,
): Predicate<P> {
  return {
    name,
    params,
    start(given) {
      const wanted = references(given);
      const reader = new ReferenceReader(wanted);
      return {
        interest: reader.interest,
        line: (line) => reader.line(line),
        result() {
          const values: Found[] = [];
          for (const reference of wanted) {
            const found = reader.read(reference);
            if ('status' in found) return found;
            values.push(found);
          }
          return judge(
            values,
            given,
            values.flatMap(({ evidence }) => evidence),
          );
        },
      };
    },
  };
}

const pair = z.strictObject({ left: referenceSchema, right: referenceSchema });
const bothSides = ({ left, right }: z.infer<typeof pair>) => [left, right];

export const equals = overValues('equals', pair, bothSides, ([left, right], _, evidence) =>
  sameJson(left?.value, right?.value)
    ? pass(`equal: ${show(left?.value)}`, evidence)
    : fails(`${show(left?.value)} is not ${show(right?.value)}`, evidence),
);

export const differs = overValues('differs', pair, bothSides, ([left, right], _, evidence) =>
  sameJson(left?.value, right?.value)
    ? fails(`both are ${show(left?.value)}`, evidence)
    : pass(`${show(left?.value)} is not ${show(right?.value)}`, evidence),
);

const encodings = z.enum(['base64', 'hex', 'utf8']);
type Encoding = z.infer<typeof encodings>;

/** Bytes of a text, or `undefined` when it is not the canonical text of any. */
function bytesOf(value: Json, encoding: Encoding): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, encoding);
  const again = bytes.toString(encoding);
  return again === (encoding === 'hex' ? value.toLowerCase() : value) ? bytes : undefined;
}

export const bytesEqual = overValues(
  'bytes-equal',
  z.strictObject({ left: referenceSchema, leftAs: encodings, right: referenceSchema, rightAs: encodings }),
  ({ left, right }) => [left, right],
  ([left, right], { leftAs, rightAs }, evidence) => {
    const one = bytesOf(left?.value ?? null, leftAs);
    const other = bytesOf(right?.value ?? null, rightAs);
    if (!one) return fails(`${show(left?.value)} is not ${leftAs}`, evidence);
    if (!other) return fails(`${show(right?.value)} is not ${rightAs}`, evidence);
    if (one.equals(other)) return pass(`${one.length} equal bytes`, evidence);
    return fails(`${one.length} bytes and ${other.length} bytes differ`, evidence);
  },
);

export const matches = overValues(
  'matches',
  z.strictObject({ value: referenceSchema, pattern: z.string() }),
  ({ value }) => [value],
  ([found], { pattern }, evidence) => {
    const compiled = boundedPattern(pattern);
    if (typeof compiled === 'string') return inconclusive('harness', `pattern ${show(pattern)}: ${compiled}`);
    const text = found?.value;
    if (typeof text !== 'string') return fails(`${show(text)} is not a text`, evidence);
    if (text.length > longestText) return inconclusive('harness', `a text over ${longestText} characters cannot be matched`);
    return compiled.test(text) ? pass(`${show(text)} matches ${pattern}`, evidence) : fails(`${show(text)} does not match ${pattern}`, evidence);
  },
);

export const oneOf = overValues(
  'one-of',
  z.strictObject({ value: referenceSchema, options: z.array(z.custom<Json>((value) => value !== undefined)).min(1) }),
  ({ value }) => [value],
  ([found], { options }, evidence) =>
    options.some((option) => sameJson(option, found?.value))
      ? pass(`${show(found?.value)} is allowed`, evidence)
      : fails(`${show(found?.value)} is none of ${show(options)}`, evidence),
);

/** An array holds an equal item (or one whose value at `where` equals it), a text holds a part. */
const membership = z.strictObject({ value: referenceSchema, item: referenceSchema, where: z.string().optional() });

function contains(container: Json | undefined, item: Json | undefined, where: string | undefined): boolean | undefined {
  if (Array.isArray(container)) {
    return container.some((member: Json) => sameJson(where === undefined ? member : valueAt(member, where), item));
  }
  return typeof container === 'string' && typeof item === 'string' ? container.includes(item) : undefined;
}

function membershipPredicate(name: string, wanted: boolean): Predicate<z.infer<typeof membership>> {
  return overValues(
    name,
    membership,
    ({ value, item }) => [value, item],
    ([container, item], { where }, evidence) => {
      const held = contains(container?.value, item?.value, where);
      if (held === undefined) return fails(`${show(container?.value)} is neither a list nor a text`, evidence);
      const message = `${show(container?.value)} ${held ? 'holds' : 'does not hold'} ${show(item?.value)}`;
      return held === wanted ? pass(message, evidence) : fails(message, evidence);
    },
  );
}

export const includes = membershipPredicate('includes', true);
export const excludes = membershipPredicate('excludes', false);

const bound = z.strictObject({ value: referenceSchema, limit: z.number(), unit: z.string().optional() });

function boundPredicate(name: string, within: (value: number, limit: number) => boolean, word: string) {
  return overValues(
    name,
    bound,
    ({ value }) => [value],
    ([found], { limit, unit }, evidence) => {
      const value = found?.value;
      if (typeof value !== 'number') return fails(`${show(value)} is not a number`, evidence);
      const message = `${value} ${unit ?? ''}`.trimEnd();
      return within(value, limit) ? pass(`${message}, ${word} ${limit}`, evidence) : fails(`${message}, not ${word} ${limit}`, evidence);
    },
  );
}

export const atMost = boundPredicate('at-most', (value, limit) => value <= limit, 'at most');
export const atLeast = boundPredicate('at-least', (value, limit) => value >= limit, 'at least');

function presencePredicate(name: string, wanted: boolean): Predicate<{ value: Reference }> {
  return {
    name,
    params: z.strictObject({ value: referenceSchema }),
    start({ value }) {
      const reader = new ReferenceReader([value]);
      return {
        interest: reader.interest,
        line: (line) => reader.line(line),
        result() {
          const found = reader.find(value);
          if ('status' in found) return found;
          const present = found.value !== undefined;
          const message = `${found.name} is ${present ? show(found.value) : 'absent'}`;
          return present === wanted ? pass(message, found.evidence) : fails(message, found.evidence);
        },
      };
    },
  };
}

export const exists = presencePredicate('exists', true);
export const absent = presencePredicate('absent', false);
