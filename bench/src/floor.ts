/**
 * What the same work costs without a node. Publish: one ML-DSA-65 signature and one TLS write per message.
 * Direct message: one signature, one verification, two durable commits (sender's outbox, recipient's inbox), one TLS round trip.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto, openSqliteStore, systemClock, tcpCarrier, tlsTransport } from '@muster/node';
import type { Channel } from '@muster/node';

export interface Floor extends AsyncDisposable {
  /** messages per second, one after the other, as one publisher signs them */
  signAndWrite(messages: number, payloadBytes: number): Promise<number>;
  /** ms of one round trip of `bytes` */
  roundTrip(bytes: number): Promise<number>;
  /** ms of what one direct message cannot do without, one after the other */
  direct(bytes: number): Promise<number>;
}

/** A pair of channels of the node's own transport on loopback. */
export async function openFloor(): Promise<Floor> {
  const crypto = nodeCrypto();
  const clock = systemClock();
  const key = crypto.signingKey();
  const transport = () => tlsTransport({ crypto, clock, machineKey: crypto.signingKey(), carrier: tcpCarrier() });
  let received = 0;
  let awaited: { readonly bytes: number; readonly done: () => void } | undefined;
  const arrived = (bytes: number): void => {
    received += bytes;
    if (awaited && received >= awaited.bytes) awaited.done();
  };
  const accepted = Promise.withResolvers<Channel>();
  const listener = await transport().listen('127.0.0.1:0', (channel) => {
    channel.start({ data: (chunk) => (echo ? channel.write(chunk) : arrived(chunk.length)), drain: () => {}, closed: () => {} });
    accepted.resolve(channel);
  });
  let echo = false;
  let drained = (): void => {};
  const channel = await transport().dial(listener.address, undefined, new AbortController().signal);
  channel.start({ data: (chunk) => arrived(chunk.length), drain: () => drained(), closed: () => {} });
  await accepted.promise;
  const until = (bytes: number): Promise<void> => {
    received = 0;
    return new Promise((done) => (awaited = { bytes, done }));
  };
  const directory = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const store = openSqliteStore(join(directory, 'floor.sqlite'));
  const roundTrip = async (bytes: number): Promise<number> => {
    echo = true;
    const back = until(bytes);
    const start = performance.now();
    channel.write(new Uint8Array(bytes));
    await back;
    echo = false;
    return performance.now() - start;
  };
  let commits = 0;
  return {
    signAndWrite: async (messages, payloadBytes) => {
      const payload = crypto.randomBytes(payloadBytes);
      const all = until(messages * (payloadBytes + 3_309));
      const start = performance.now();
      for (let index = 0; index < messages; index++) {
        const signature = await crypto.sign(key, payload);
        if (!channel.write(Buffer.concat([payload, signature]))) await new Promise<void>((resolve) => (drained = resolve));
      }
      await all;
      return messages / ((performance.now() - start) / 1_000);
    },
    roundTrip,
    direct: async (bytes) => {
      const payload = crypto.randomBytes(bytes);
      const start = performance.now();
      const signature = await crypto.sign(key, payload);
      await crypto.verify(key.publicKey, payload, signature);
      for (let side = 0; side < 2; side++) store.batch([{ key: `${commits++}`.padStart(12, '0'), value: signature }], 'durable');
      return performance.now() - start + (await roundTrip(bytes + signature.length));
    },
    [Symbol.asyncDispose]: async () => {
      channel.close('abort');
      await listener[Symbol.asyncDispose]();
      store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
