import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Durability, Range, Store, StoreErrorCode, Write } from '../ports/index.ts';

const SEED = 20261121;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const put = (key: string, value = key): Write => ({ key, value: text(value) });
const remove = (key: string): Write => ({ key, value: null });
const keysOf = (rows: readonly { key: string }[]): string[] => rows.map((row) => row.key);
const failure = (code: StoreErrorCode): object => expect.objectContaining({ name: 'StoreError', code });

/** What every store engine must do. `makeStore` gives a new, empty store each time; the test closes it. */
export function storePortTest(makeStore: () => Store): void {
  const withStore = (work: (store: Store) => void): void => {
    const store = makeStore();
    try {
      work(store);
    } finally {
      store.close();
    }
  };

  describe('store port', () => {
    it('gives back what was put, and nothing for what was not', () =>
      withStore((store) => {
        store.batch([put('a', 'one'), put('empty', '')], 'durable');
        expect(store.get('a')).toEqual(text('one'));
        expect(store.get('empty')).toEqual(new Uint8Array(0));
        expect(store.get('b')).toBeUndefined();
        store.batch([put('a', 'two'), remove('empty'), remove('never')], 'relaxed');
        expect(store.get('a')).toEqual(text('two'));
        expect(store.get('empty')).toBeUndefined();
      }));

    it('keeps its own copy of a value', () =>
      withStore((store) => {
        const value = text('one');
        store.batch([{ key: 'a', value }], 'relaxed');
        value.fill(0);
        store.get('a')!.fill(0);
        expect(store.get('a')).toEqual(text('one'));
      }));

    it('applies a batch in order: the last write of a key wins', () =>
      withStore((store) => {
        store.batch([put('a', '1'), remove('a'), put('a', '2'), put('b'), remove('b')], 'durable');
        expect(store.get('a')).toEqual(text('2'));
        expect(store.get('b')).toBeUndefined();
      }));

    it('orders keys by their UTF-8 bytes, not by UTF-16 units', () =>
      withStore((store) => {
        // U+FF21 sorts after U+1F600 in UTF-16, before it in UTF-8
        const keys = ['\u{1F600}', 'Ａ', 'b', 'a\0', 'a', 'ab'];
        store.batch(
          keys.map((key) => put(key)),
          'relaxed',
        );
        expect(keysOf(store.range({ prefix: '' }))).toEqual(['a', 'a\0', 'ab', 'b', 'Ａ', '\u{1F600}']);
        expect(keysOf(store.range({ prefix: '', reverse: true, limit: 2 }))).toEqual(['\u{1F600}', 'Ａ']);
      }));

    it('pages through a prefix in both directions without repeating or skipping', () =>
      withStore((store) => {
        const keys = Array.from({ length: 10 }, (_, i) => `m/${i}`);
        store.batch([put('l/z'), put('n/a'), put('m'), ...keys.map((key) => put(key))], 'relaxed');
        for (const reverse of [false, true]) {
          const seen: string[] = [];
          for (;;) {
            const page = store.range({ prefix: 'm/', reverse, limit: 3, after: seen.at(-1) });
            if (page.length === 0) break;
            seen.push(...keysOf(page));
          }
          expect(seen).toEqual(reverse ? keys.toReversed() : keys);
        }
        expect(store.count('m/')).toBe(10);
        expect(store.count('')).toBe(13);
      }));

    it('gives a snapshot, untouched by later writes', () =>
      withStore((store) => {
        store.batch([put('a', 'old'), put('b')], 'relaxed');
        const rows = store.range({ prefix: '' });
        store.batch([put('a', 'new'), remove('b')], 'relaxed');
        expect(rows).toEqual([
          { key: 'a', value: text('old') },
          { key: 'b', value: text('b') },
        ]);
      }));

    it('refuses a bad key and leaves everything as it was', () =>
      withStore((store) => {
        for (const bad of ['', '\ud800']) expect(() => store.batch([put('a'), put(bad)], 'durable')).toThrow(TypeError);
        expect(store.count('')).toBe(0);
      }));

    it('is closed once closed', () => {
      const store = makeStore();
      store.close();
      store.close();
      const calls = [() => store.get('a'), () => store.range({ prefix: '' }), () => store.count(''), () => store.batch([put('a')], 'durable')];
      for (const call of calls) expect(call).toThrow(failure('closed') as Error);
    });

    it('behaves as a sorted map does, whatever is done to it', () => {
      const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '\u{1F600}', '\0'), minLength: 1, maxLength: 4 });
      const write = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 5 })) });
      const batch = fc.tuple(fc.array(write, { maxLength: 8 }), fc.constantFrom<Durability>('durable', 'relaxed'));
      const query = fc.record({
        prefix: fc.oneof(key, fc.constant('')),
        after: fc.option(key, { nil: undefined }),
        reverse: fc.boolean(),
        limit: fc.option(fc.nat(5), { nil: undefined }),
      });
      fc.assert(
        fc.property(fc.array(fc.tuple(batch, query), { maxLength: 8 }), (steps) =>
          withStore((store) => {
            const model = new Map<string, Uint8Array>();
            for (const [[writes, durability], range] of steps) {
              store.batch(writes, durability);
              for (const { key: k, value } of writes) {
                if (value) model.set(k, value);
                else model.delete(k);
              }
              expect(store.range(range)).toEqual(modelRange(model, range));
              expect(store.count(range.prefix)).toBe(modelRange(model, { prefix: range.prefix }).length);
            }
          }),
        ),
        { seed: SEED, numRuns: 60 },
      );
    });
  });
}

function modelRange(model: ReadonlyMap<string, Uint8Array>, { prefix, after, reverse, limit }: Range): { key: string; value: Uint8Array }[] {
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return [...model]
    .map(([key, value]) => ({ key, value }))
    .filter(({ key }) => key.startsWith(prefix) && (after === undefined || compare(key, after) * (reverse ? -1 : 1) > 0))
    .sort((a, b) => compare(a.key, b.key) * (reverse ? -1 : 1))
    .slice(0, limit);
}
