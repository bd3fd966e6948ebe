import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Neighbour, Neighbours } from '../ports/index.ts';

const id = (text: string): string => createHash('sha256').update(text).digest('hex');
/** the port's promise, and a little for a busy machine */
const PROMISED = { timeout: 2_000, interval: 10 };

/** What every engine that finds neighbours must do. All `makeNeighbours()` of one world share a neighbourhood, empty at first. */
export function neighboursPortTest(makeWorld: () => Promise<{ neighbours(): Neighbours }> | { neighbours(): Neighbours }): void {
  const cleanup: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const started of cleanup.splice(0).reverse()) await started[Symbol.asyncDispose]();
  });

  async function world() {
    const made = await makeWorld();
    return async (name: string, port: number, network = 'one') => {
      const found: Neighbour[] = [];
      const started = await made
        .neighbours()
        .start({ network: id(network), machine: id(name), address: `127.0.0.1:${port}` }, (neighbour) => found.push(neighbour));
      cleanup.push(started);
      return { found, started, machine: id(name) };
    };
  }

  const machines = (found: readonly Neighbour[]): string[] => found.map(({ machine }) => machine);

  describe('neighbours port', () => {
    it('makes two nodes find each other, with addresses, within 2 s', async () => {
      const join = await world();
      const alice = await join('alice', 4001);
      const bob = await join('bob', 4002);
      await vi.waitFor(() => {
        expect(machines(alice.found)).toEqual([bob.machine]);
        expect(machines(bob.found)).toEqual([alice.machine]);
      }, PROMISED);
      expect(alice.found[0]!.addresses[0]).toBe('127.0.0.1:4002');
      expect(bob.found[0]!.addresses[0]).toBe('127.0.0.1:4001');
    });

    it('never shows nodes of another network', async () => {
      const join = await world();
      const alice = await join('alice', 4001);
      const stranger = await join('stranger', 4003, 'another');
      const bob = await join('bob', 4002);
      // Whatever would have shown the stranger has shown Bob by then, in both directions.
      await vi.waitFor(
        () => expect([...machines(alice.found), ...machines(bob.found)].sort()).toEqual([alice.machine, bob.machine].sort()),
        PROMISED,
      );
      expect(stranger.found).toEqual([]);
    });

    it('reports a node again that went and came back, elsewhere or at the same address', async () => {
      const join = await world();
      const alice = await join('alice', 4001);
      for (const [times, port] of [4002, 4002, 4005].entries()) {
        const bob = await join('bob', port);
        await vi.waitFor(() => expect(alice.found.length).toBe(times + 1), PROMISED);
        expect(alice.found.at(-1)!.addresses[0]).toBe(`127.0.0.1:${port}`);
        await bob.started[Symbol.asyncDispose]();
      }
    });

    it('is silent once disposed, and may be disposed twice', async () => {
      const join = await world();
      const alice = await join('alice', 4001);
      await alice.started[Symbol.asyncDispose]();
      await alice.started[Symbol.asyncDispose]();
      const bob = await join('bob', 4002);
      const carol = await join('carol', 4003);
      await vi.waitFor(() => expect(machines(bob.found)).toEqual([carol.machine]), PROMISED);
      expect(alice.found).toEqual([]);
    });
  });
}
