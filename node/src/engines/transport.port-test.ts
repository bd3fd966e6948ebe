import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Channel, Transport, TransportErrorCode, TransportListener } from '../ports/index.ts';

/** One machine of the network under test. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** raw key that its channels prove */
  readonly machineKey: Uint8Array;
}

export interface TransportWorld {
  /** a machine with a key of its own, which every other one can reach */
  machine(): TransportUnderTest;
  /** where to listen */
  readonly address: string;
  /** an address where nobody answers */
  readonly deadAddress: string;
}

const failure = (code: TransportErrorCode): object => expect.objectContaining({ name: 'TransportError', code });
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const until = (condition: () => boolean): Promise<void> => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 5 });

/** A channel with everything that it has told, in order. */
class Recorded {
  readonly channel: Channel;
  readonly chunks: Uint8Array[] = [];
  readonly closed: string[] = [];
  drains = 0;

  constructor(channel: Channel) {
    this.channel = channel;
    channel.start({
      data: (chunk) => this.chunks.push(Uint8Array.from(chunk)),
      drain: () => this.drains++,
      closed: (reason) => this.closed.push(reason),
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** What every transport must do: the real one over each carrier, and a simulated one. */
export function transportPortTest(makeWorld: () => TransportWorld): void {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  async function twoMachines() {
    const world = makeWorld();
    const [alice, bob] = [world.machine(), world.machine()];
    const incoming: Recorded[] = [];
    const listener = await bob.transport.listen(world.address, (channel) => incoming.push(new Recorded(channel)));
    cleanup.push(() => listener[Symbol.asyncDispose]());
    const dial = async (): Promise<Recorded> => {
      const dialled = new Recorded(await alice.transport.dial(listener.address, sha256(bob.machineKey), new AbortController().signal));
      cleanup.push(() => dialled.channel.close('abort'));
      return dialled;
    };
    return { world, alice, bob, incoming, listener, dial };
  }

  async function connected() {
    const machines = await twoMachines();
    const here = await machines.dial();
    await until(() => machines.incoming.length === 1);
    return { ...machines, here, there: machines.incoming[0]! };
  }

  describe('transport port', () => {
    it('gives both ends a channel that names the other machine, and a secret of their own', async () => {
      const { alice, bob, here, there, dial, incoming } = await connected();
      expect([here.channel.initiator, there.channel.initiator]).toEqual([true, false]);
      expect(here.channel.peerKey).toEqual(bob.machineKey);
      expect(there.channel.peerKey).toEqual(alice.machineKey);
      expect(here.channel.exporter('label')).toHaveLength(32);
      expect(here.channel.exporter('label')).toEqual(there.channel.exporter('label'));
      expect(here.channel.exporter('label')).not.toEqual(here.channel.exporter('other'));
      const second = await dial();
      await until(() => incoming.length === 2);
      expect(second.channel.exporter('label')).not.toEqual(here.channel.exporter('label'));
    });

    it('carries bytes both ways, in order and unchanged, and none before start', async () => {
      const { here, there } = await connected();
      const sent = Array.from({ length: 500 }, (_, i) => Buffer.alloc((i * 37) % 3000, i));
      for (const bytes of sent) {
        here.channel.write(bytes);
        there.channel.write(bytes);
      }
      const whole = Buffer.concat(sent);
      await until(() => there.received.length === whole.length && here.received.length === whole.length);
      expect(there.received.equals(whole)).toBe(true);
      expect(here.received.equals(whole)).toBe(true);
    });

    it('refuses another machine than the one that was dialled', async () => {
      const { alice, listener, incoming } = await twoMachines();
      const other = sha256(new Uint8Array(1952));
      await expect(alice.transport.dial(listener.address, other, new AbortController().signal)).rejects.toEqual(failure('wrong_machine'));
      // The listener may have had a channel; it learns at once that nobody is there.
      await until(() => incoming.every((channel) => channel.closed.length === 1));
    });

    it('says unreachable where nobody listens', async () => {
      const { world, alice } = await twoMachines();
      await expect(alice.transport.dial(world.deadAddress, undefined, new AbortController().signal)).rejects.toEqual(failure('unreachable'));
    });

    it('gives up dialling when it is told to, before and during', async () => {
      const { alice, listener } = await twoMachines();
      await expect(alice.transport.dial(listener.address, undefined, AbortSignal.abort())).rejects.toEqual(failure('closed'));
      const controller = new AbortController();
      const dialling = alice.transport.dial(listener.address, undefined, controller.signal);
      controller.abort();
      await expect(dialling).rejects.toEqual(failure('closed'));
    });

    it('pushes back on the writer while the reader pauses, then drains and loses nothing', async () => {
      const { here, there } = await connected();
      there.channel.pause();
      const chunk = Buffer.alloc(256 * 1024, 7);
      let written = 0;
      let open = true;
      // Buffers of the carriers take some megabytes before the pressure is felt.
      while (open && written < 256 * 1024 * 1024) {
        open = here.channel.write(chunk);
        written += chunk.length;
        if (open) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(open).toBe(false);
      expect(here.channel.queued).toBeGreaterThanOrEqual(1024 * 1024);
      expect(here.drains).toBe(0);
      there.channel.resume();
      await until(() => here.drains === 1);
      await until(() => there.chunks.reduce((sum, part) => sum + part.length, 0) === written);
      expect(here.channel.queued).toBe(0);
    });

    it('delivers what was queued before a graceful close; both sides hear of it exactly once', async () => {
      const { here, there } = await connected();
      const last = Buffer.alloc(3 * 1024 * 1024, 3);
      here.channel.write(last);
      here.channel.close();
      here.channel.close();
      expect(here.channel.write(Buffer.from('late'))).toBe(false);
      await until(() => here.closed.length > 0 && there.closed.length > 0);
      expect(there.received.equals(last)).toBe(true);
      here.channel.close('abort');
      expect([here.closed.length, there.closed.length]).toEqual([1, 1]);
      expect(() => here.channel.exporter('label')).toThrow(failure('closed') as Error);
    });

    it('ends at once when aborted', async () => {
      const { here, there } = await connected();
      there.channel.pause();
      for (let i = 0; i < 64; i++) here.channel.write(Buffer.alloc(256 * 1024));
      here.channel.close('abort');
      await until(() => here.closed.length === 1);
      there.channel.resume();
      await until(() => there.closed.length === 1);
      expect([here.closed.length, there.closed.length]).toEqual([1, 1]);
    });

    it('gives no data after its own close', async () => {
      const { here, there } = await connected();
      there.channel.close();
      here.channel.write(Buffer.from('late'));
      await until(() => here.closed.length === 1 && there.closed.length === 1);
      expect(there.chunks).toEqual([]);
    });

    it('stops accepting when disposed, and leaves channels alone', async () => {
      const { alice, here, there, listener } = await connected();
      await listener[Symbol.asyncDispose]();
      await expect(alice.transport.dial(listener.address, undefined, new AbortController().signal)).rejects.toEqual(failure('unreachable'));
      here.channel.write(Buffer.from('still here'));
      await until(() => there.received.toString() === 'still here');
    });

    it('says that an address is taken', async () => {
      const { alice, listener } = await twoMachines();
      const second: Promise<TransportListener> = alice.transport.listen(listener.address, () => {});
      await expect(second).rejects.toEqual(failure('cannot_listen'));
    });
  });
}
