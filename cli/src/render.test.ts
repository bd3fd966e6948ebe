import { describe, expect, it } from 'vitest';
import { render, renderEvent } from './render.ts';

/** escape, the C1 control sequence introducer, and right-to-left override */
const dangerous = ['\u001b', '\u009b', '\u202e', '\n'];

describe('an answer for people', () => {
  it('is "ok" when that is all it says', () => {
    expect(render({ ok: true })).toBe('ok');
    expect(render({})).toBe('ok');
  });

  it('aligns fields and unfolds what is nested', () => {
    expect(render({ ok: true, status: 'healthy', uptime_secs: 3, user_id: null, addrs: [], card: { a: 1, b: true }, words: ['x', 'y'] })).toBe(
      ['status       healthy', 'uptime_secs  3', 'user_id      -', 'addrs        none', 'card', '  a  1', '  b  yes', 'words', '  x', '  y'].join(
        '\n',
      ),
    );
  });

  it('is a table when it is one list of records', () => {
    const contacts = [
      { agent_id: 'ab', label: null, added_at: 1_700_000_000 },
      { agent_id: 'cdef', label: 'Bob', added_at: 1_700_000_001_500 },
    ];
    expect(render({ ok: true, contacts }).split('\n')).toEqual([
      'AGENT_ID  LABEL  ADDED_AT',
      'ab        -      2023-11-14T22:13:20Z',
      'cdef      Bob    2023-11-14T22:13:21.500Z',
    ]);
    expect(render({ ok: true, contacts: [] })).toBe('no contacts');
  });

  it('says how many bytes there are, and what takes one line first', () => {
    const key = Array.from({ length: 1184 }, (_, index) => index % 256);
    expect(render({ ok: true, card: { key, few: [1, 2], big: key.map((byte) => byte + 1) }, link: 'x0x://agent/abc' })).toBe(
      ['link  x0x://agent/abc', 'card', '  key  (1184 bytes)', '  few', '    1', '    2', '  big  (1184 numbers)'].join('\n'),
    );
    expect(render({ cards: [{ key }] })).toBe('KEY\n(1184 bytes)');
  });

  it('cuts the widest cells of a table to the terminal, and only very long ones elsewhere', () => {
    const messages = [{ sender: 'ab'.repeat(32), payload: Buffer.from('🙂'.repeat(90)).toString('base64'), verified: true }];
    const [header, row] = render({ messages }, 80).split('\n');
    expect(header).toMatch(/^SENDER +PAYLOAD +VERIFIED$/);
    expect(row).toMatch(/^(?:ab)+a?…  (?:🙂)+… +yes$/u);
    expect(row!.length).toBeGreaterThan(70);
    expect(row!.length).toBeLessThanOrEqual(80);
    expect(render({ messages, next: '1' }, 80).split('\n').at(-1)!.length).toBeLessThanOrEqual(80);
    // Ids give way first.
    expect(render({ messages: [{ sender: 'ab'.repeat(32), payload: 'aGk=', at: '2026-11-21' }] }, 33).split('\n')[1]).toBe(
      'abababababa…  hi       2026-11-21',
    );
    expect(render({ messages })).toContain(`${'ab'.repeat(32)}  ${'🙂'.repeat(59)}…`);
  });

  it('sets records below each other where a table has no room for the names of its columns', () => {
    const agents = [
      { some_agent_id: 'ab'.repeat(32), its_addresses: ['127.0.0.1:1', '127.0.0.1:2'], last_seen_of_it: null },
      { some_agent_id: 'cd'.repeat(32), its_addresses: [], last_seen_of_it: null },
    ];
    expect(render({ agents }).split('\n')[1]).toBe(`${'ab'.repeat(32)}  127.0.0.1:1, 127.0.0.1:2  -`);
    expect(render({ agents }, 30).split('\n')).toEqual([
      `some_agent_id    ${'ab'.repeat(32)}`,
      'last_seen_of_it  -',
      'its_addresses',
      '  127.0.0.1:1',
      '  127.0.0.1:2',
      '',
      `some_agent_id    ${'cd'.repeat(32)}`,
      'last_seen_of_it  -',
      'its_addresses    none',
    ]);
  });

  it('never lets a peer write to the terminal', () => {
    const evil = 'a\u001b[2J\nb\u009b1m\u202e';
    for (const text of [
      render({ label: evil }),
      render({ list: [{ label: evil }] }),
      render({ deep: { [evil]: [evil] } }),
      renderEvent('message', { label: evil }),
    ]) {
      expect(text).toContain('\\u001b');
      for (const character of dangerous.slice(0, 3)) expect(text).not.toContain(character);
    }
    const payload = Buffer.from(evil).toString('base64');
    for (const character of dangerous) expect(renderEvent('message', { payload })).not.toContain(character);
  });
});

describe('an event', () => {
  it('is one line, with its payload as text where it is text', () => {
    const data = { topic: 'a b', payload: Buffer.from('hi there').toString('base64'), verified: true, sender: null };
    expect(renderEvent('message', { type: 'message', data })).toBe('message topic="a b" payload="hi there" verified=yes sender=-');
    expect(renderEvent('direct_message', { payload: '/w==' })).toBe('direct_message payload=/w==');
  });
});
