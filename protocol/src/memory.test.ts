/** What is kept of messages is their bytes, and nothing beside them. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { batchSigner } from './batch.ts';
import { concat, utf8Bytes } from './bytes.ts';
import { envelopeSealer, inspectEnvelope } from './envelope.ts';
import { bulkFrames, FrameDecoder, Reassembler } from './frames.ts';
import { parseNetworkId } from './ids.ts';

const COUNT = 1_000;
const READ_BYTES = 65_536;
const network = parseNetworkId('11'.repeat(32));
const now = 1_800_000_000_000;
const limits = { now, network, maxBytes: 400_000, kinds: ['publish'] };

/** bytes in buffers, once everything that is not needed was collected */
async function settledBuffers(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    // Weak references hold until the turn that looked through them is over.
    await new Promise((resolve) => void setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().arrayBuffers;
}

test('envelopes that were read and are kept take the memory of their bytes, however large the reads were that they came in', async () => {
  const key = crypto.signingKey(new Uint8Array(32).fill(1));
  const seal = envelopeSealer(crypto, key, { kind: 'publish', network, to: 'news' }, batchSigner(crypto, key));
  const sealed = await Promise.all(Array.from({ length: COUNT }, (_, i) => seal({ payload: utf8Bytes(`message ${i}`), issued: now })));
  const before = await settledBuffers();
  const reassembler = new Reassembler();
  const kept: Uint8Array[] = [];
  const decoder = new FrameDecoder((frame) => kept.push(reassembler.push(frame)!.message));
  for (const [id, envelope] of sealed.entries()) {
    const read = Buffer.alloc(READ_BYTES);
    const frame = concat(...bulkFrames(3, id, envelope));
    read.set(frame);
    decoder.push(read.subarray(0, frame.length));
  }
  for (const bytes of kept) expect(inspectEnvelope(crypto, bytes, limits).header.to).toBe('news');
  const size = kept.reduce((sum, { length }) => sum + length, 0);
  expect(kept).toHaveLength(COUNT);
  expect((await settledBuffers()) - before).toBeLessThan(1.3 * size);
});
