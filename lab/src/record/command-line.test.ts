import { registry } from '@muster/contract';
import { expect, test } from 'vitest';
import { commandLine } from './command-line.ts';

const id = 'a'.repeat(64);

test('positional arguments, text and options as the registry declares them', () => {
  const payload = Buffer.from('hello there').toString('base64');
  expect(commandLine(registry['direct.send'], { agent_id: id, payload, require_ack_ms: 500 })).toEqual([
    'direct', 'send', '--require-ack-ms', '500', id, 'hello there',
  ]); // prettier-ignore
  expect(commandLine(registry['contacts.add'], { agent_id: id, trust_level: 'known' })).toEqual(['contacts', 'add', '--trust', 'known', id]);
});

test('a text that looks like an option stays a text', () => {
  const payload = Buffer.from('--help').toString('base64');
  expect(commandLine(registry['messaging.publish'], { topic: 't', payload })).toEqual(['publish', '--', 't', '--help']);
});

test('a switch is there or not', () => {
  expect(commandLine(registry['identity.announce'], { include_user_identity: true, human_consent: false })).toEqual(['announce', '--include-user']);
});

test('what a command cannot say is an error, not a silence', () => {
  expect(() => commandLine(registry['contacts.add'], { agent_id: id, colour: 'red' })).toThrow(/no way to say colour/);
  expect(() => commandLine(registry['websocket.connect'], {})).toThrow(/no command/);
});
