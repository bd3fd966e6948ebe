import { assert, property, string, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, digestMarker, encodeCommand, encodeHop, encodeResult } from './messages.ts';

const anchor = 'a'.repeat(64);

test('a hop carries any bytes, bars and all', () => {
  const law = property(uint8Array({ maxLength: 200 }), (payload) => {
    const hop = { requestId: 'r-1', digest: digestMarker(payload), anchor, payload };
    const decoded = decodeMessage(encodeHop(hop));
    expect(decoded?.kind === 'hop' && { ...decoded.hop, payload: new Uint8Array(decoded.hop.payload) }).toEqual(hop);
  });
  assert(law, { seed: 20261121, examples: [[new TextEncoder().encode('a|b||c')]] });
});

test('commands and results are found again as they were', () => {
  const command = { command_id: 'c', target_node: 'bob', action: 'discover', anchor_aid: anchor, params: { text: 'grüß | dich' } };
  expect(decodeMessage(encodeCommand(command))).toEqual({ kind: 'cmd', command });
  const result = {
    command_id: 'c', request_id: null, node: 'bob', kind: 'ack', outcome: 'ok', agent_id: anchor, machine_id: anchor,
    digest_marker: null, details: {}, ts_ms: 1,
  } as const; // prettier-ignore
  expect(decodeMessage(encodeResult(result))).toEqual({ kind: 'res', result });
});

test('other traffic is no message, whatever it looks like', () => {
  const law = property(string(), (text) => {
    expect(decodeMessage(Buffer.from(text))).toBeUndefined();
  });
  const examples: [string][] = [
    ['x0xtest'],
    ['x0xtest|cmd'],
    ['x0xtest|cmd|!!!'],
    ['x0xtest|res|e30='],
    ['x0xtest|hop|1|2|nobody|x'],
    ['x0xtest|new|e30='],
  ];
  assert(law, { seed: 20261121, examples });
});

test('the marker is the beginning of BLAKE3', () => {
  expect(digestMarker(new Uint8Array())).toBe('af1349b9f5f9a1a6');
});
