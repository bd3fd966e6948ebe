import { MAX_BEACON_ENVELOPE_BYTES, PRESENCE_TOPIC } from '@muster/protocol';
import type { EnvelopeHeader } from '@muster/protocol';
import { expect, test } from 'vitest';
import { itemOf } from './validation.ts';

test.each([
  ['a beacon of presence', 'announce', PRESENCE_TOPIC, MAX_BEACON_ENVELOPE_BYTES, 'urgent'],
  ['what is too long for a beacon', 'announce', PRESENCE_TOPIC, MAX_BEACON_ENVELOPE_BYTES + 1, 'bulk'],
  ['what users publish there', 'publish', PRESENCE_TOPIC, 100, 'bulk'],
  ['a sealed direct message', 'inbox', 'any', 100, 'direct'],
  ['any other message', 'publish', 'any', 100, 'bulk'],
])('%s waits where it belongs', (_name, kind, to, length, queue) => {
  const header = { kind, to, issued: 1, expires: 2 } as EnvelopeHeader;
  expect(itemOf('id', header, new Uint8Array(length)).content.queue).toBe(queue);
});
