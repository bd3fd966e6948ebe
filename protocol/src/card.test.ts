import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { isPubliclyRoutable } from './addresses.ts';
import { toBase64, toBase64url, utf8Bytes } from './bytes.ts';
import { CardError, cardLink, CARD_LINK_PREFIX, readCard, signCard } from './card.ts';
import type { AgentCard, SignedCard } from './card.ts';
import { idOfKey, parseMachineId } from './ids.ts';
import type { AgentId } from './ids.ts';

const key = crypto.signingKey(new Uint8Array(32).fill(1));
const now = 1_800_000_000;
const card: AgentCard = {
  display_name: 'Ada',
  agent_id: idOfKey<AgentId>(crypto, key.publicKey),
  machine_id: parseMachineId('ab'.repeat(32)),
  addresses: ['203.0.114.7:4000'],
  groups: [{ name: 'readers', invite_link: 'x0x://invite/abc' }],
  stores: [{ name: 'notes', topic: 'notes-1' }],
  created_at: now,
  dm_capabilities: {
    max_protocol_version: 1,
    gossip_inbox: true,
    kem_algorithm: 'ML-KEM-768',
    max_envelope_bytes: 65_536,
    kem_public_key: [...crypto.kemKey(new Uint8Array(64)).publicKey],
  },
};
const signed = await signCard(crypto, key, { ...card, user_id: undefined }, now + 3_600);
const linkOf = (value: unknown) => CARD_LINK_PREFIX + toBase64url(utf8Bytes(JSON.stringify(value)));
const verdictOf = (text: string, at = now) =>
  readCard(crypto, text, at).then(
    (read) => read.signed,
    (error: unknown) => (error instanceof CardError ? error.code : error),
  );

describe('a card', () => {
  test('is read from its link and from the base64url alone', async () => {
    const link = cardLink(signed);
    expect(link).toMatch(/^x0x:\/\/agent\/[\w-]+$/);
    expect(await readCard(crypto, link, now)).toEqual({ signed: true, card: signed });
    expect(await readCard(crypto, ` ${link.slice(CARD_LINK_PREFIX.length)}\n`, now)).toEqual({ signed: true, card: signed });
  });

  test('without signature is read as a hint, with nulls for what is absent', async () => {
    expect(await verdictOf(linkOf(card))).toBe(false);
    expect(await verdictOf(linkOf({ ...card, user_id: null, groups: null, dm_capabilities: null }))).toBe(false);
    expect(await verdictOf(linkOf({ ...card, user_id: 'cd'.repeat(32) }))).toBe(false);
  });

  test('is signed with everything in it, known here or not', async () => {
    const more = await signCard(crypto, key, { ...card, mood: 'fine' } as AgentCard, now + 9);
    expect(await verdictOf(linkOf(more))).toBe(true);
    expect(await verdictOf(linkOf({ ...more, mood: 'bad' }))).toBe('bad_signature');
  });

  test('says no half of a character, which is signed as if it were another one', async () => {
    const odd = await signCard(crypto, key, { ...card, display_name: 'Ada\uFFFD', mood: { '\uFFFD': '\uFFFD' } } as AgentCard, now + 9);
    expect(await verdictOf(linkOf(odd))).toBe(true);
    const halves = [{ display_name: 'Ada\uD800' }, { mood: { '\uFFFD': '\uDC00' } }, { mood: { '\uD800': '\uFFFD' } }];
    for (const half of halves) expect(await verdictOf(linkOf({ ...odd, ...half }))).toBe('malformed');
  });

  test('holds until it expires', async () => {
    expect(await verdictOf(cardLink(signed), now + 3_600)).toBe(true);
    expect(await verdictOf(cardLink(signed), now + 3_601)).toBe('expired');
  });

  test.each<[string, Partial<Record<keyof SignedCard, unknown>>]>([
    ['bad_signature', { display_name: 'Eve' }],
    ['bad_signature', { expires_at: now + 9_999 }],
    ['bad_signature', { signature: toBase64(new Uint8Array(3309)) }],
    ['key_mismatch', { agent_public_key: toBase64(crypto.signingKey(new Uint8Array(32).fill(2)).publicKey) }],
    ['key_mismatch', { agent_id: 'ab'.repeat(32) as AgentId }],
    ['bad_id', { agent_id: 'ab' }],
    ['bad_id', { machine_id: 'zz'.repeat(32) }],
    ['malformed', { signature: undefined }],
    ['malformed', { agent_public_key: undefined }],
    ['malformed', { expires_at: undefined }],
    ['malformed', { signature: '???' }],
    ['malformed', { agent_id: 7 }],
    ['malformed', { display_name: 'n'.repeat(257) }],
    ['malformed', { created_at: -1 }],
    ['malformed', { addresses: Array<string>(17).fill('1.1.1.1:1') }],
    ['malformed', { groups: [{ name: 'x' }] }],
    ['malformed', { stores: 'all' }],
    ['malformed', { dm_capabilities: { ...card.dm_capabilities, gossip_inbox: 'yes' } }],
    ['malformed', { dm_capabilities: { ...card.dm_capabilities, kem_public_key: [256] } }],
    ['oversize', { display_name: 'n'.repeat(70_000) }],
  ])('is refused as %s with %j', async (code, changed) => {
    expect(await verdictOf(linkOf({ ...signed, ...changed }))).toBe(code);
  });

  test.each(['', 'x0x://agent/', 'not base64!', toBase64url(utf8Bytes('{')), toBase64url(utf8Bytes('[]')), toBase64url(Uint8Array.of(0xff))])(
    'is not %j',
    async (text) => {
      expect(await verdictOf(text)).toBe('malformed');
    },
  );
});

describe('an address', () => {
  test.each([
    '8.8.8.8',
    '8.8.8.8:53',
    '[8.8.8.8]:53',
    '100.63.0.1:1',
    '172.32.0.1',
    '192.0.1.1',
    '[2606:4700::1111]:443',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '2002:0808:0808::1',
  ])('%s is for others', (address) => {
    expect(isPubliclyRoutable(address)).toBe(true);
  });

  test.each([
    '256.8.8.8',
    '8.8.8.8:',
    '8.8.8:1',
    '08.8.8.0008',
    '8.8.8.8.8',
    '[8.8.8.8:53]',
    '0.0.0.0:1',
    '10.1.2.3:1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1:4000',
    '169.254.1.1',
    '172.16.0.1',
    '172.31.255.255:9',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1:1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.9',
    '224.0.0.251:5353',
    '255.255.255.255',
    '[::]:1',
    '[::1]:1',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    'ff02::fb',
    '2001:db8::1',
    '2001:0:1::1',
    '3fff:1::1',
    '2002:0a00:0001::1',
    '::ffff:10.0.0.1',
    '[::ffff:127.0.0.1]:80',
    '::ffff:999.0.0.1',
    '1.2.3',
    '1.2.3.256',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '2606:4700:0:0:0:0:0:0::',
    'example.org:80',
    'localhost',
    '',
  ])('%s is not', (address) => {
    expect(isPubliclyRoutable(address)).toBe(false);
  });
});
