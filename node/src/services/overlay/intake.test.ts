import type { MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { Intake } from './intake.ts';
import { PENDING_OF_PEER } from './limits.ts';
import { modelRoots } from './model-network.test-helper.ts';
import { Step } from './types.ts';

const [mallory, alice] = ['aa'.repeat(32), 'bb'.repeat(32)] as [MachineId, MachineId];

function intake() {
  const step = new Step<string>({
    self: 'cc'.repeat(32) as MachineId,
    random: () => 0,
    epoch: 0,
    seen: () => false,
    roots: modelRoots,
    siteOf: () => undefined,
  });
  const log: string[] = [];
  const under = new Intake<string>(step, {
    accepted: ({ item }) => {
      log.push(`accepted ${item.content}`);
      return { outcome: 'accepted', local: true };
    },
    forged: (peer) => log.push(`forged by ${peer.slice(0, 2)}`),
    copy: (_peer, item) => log.push(`copy ${item.content}`),
  });
  const item = (id: string, content: string) => ({ id, topic: 't', issued: 0, expires: 1, size: 1, internal: false, content });
  const verifying = () => step.effects.filter(({ kind }) => kind === 'verify').map((effect) => ('content' in effect ? effect.content : ''));
  return { under, log, item, verifying };
}

test('a forged copy that comes first does not shadow the true one, which waits for its verdict', () => {
  const { under, log, item, verifying } = intake();
  under.examine(mallory, item('m', 'forgery'), false);
  under.examine(alice, item('m', 'original'), false);
  expect(verifying()).toEqual(['forgery']);
  under.verified('forgery', 'forged');
  expect(verifying()).toEqual(['forgery', 'original']);
  under.verified('original', 'good');
  expect(log).toEqual(['forged by aa', 'accepted original']);
  expect(under.pending).toBe(0);
});

test('one copy of each peer is examined, however many forgeries somebody sends ahead of the true one', () => {
  const { under, log, item, verifying } = intake();
  for (let index = 0; index < 50; index++) under.examine(mallory, item('m', `forgery ${index}`), false);
  under.examine(alice, item('m', 'original'), false);
  under.verified('forgery 0', 'forged');
  expect(verifying()).toEqual(['forgery 0', 'original']);
  under.verified('original', 'good');
  expect(log.filter((line) => line.startsWith('accepted'))).toEqual(['accepted original']);
  expect(under.pending).toBe(0);
});

test('no more than a bounded number of messages of one peer wait for a verdict, and nobody else is held up', () => {
  const { under, item, verifying } = intake();
  for (let index = 0; index < 2 * PENDING_OF_PEER; index++) under.examine(mallory, item(`m${index}`, `${index}`), false);
  expect(verifying()).toHaveLength(PENDING_OF_PEER);
  under.examine(alice, item('a', 'hers'), false);
  expect(verifying().at(-1)).toBe('hers');
});

test('what one peer sent is let out in its order, whatever the order of the verdicts, and nobody else waits for it', () => {
  const { under, log, item } = intake();
  for (const name of ['1', '2', '3']) under.examine(alice, item(name, name), false);
  under.examine(mallory, item('4', '4'), false);
  for (const name of ['3', '4', '2']) under.verified(name, 'good');
  expect(log).toEqual(['accepted 4']);
  under.verified('1', 'good');
  expect(log).toEqual(['accepted 4', 'accepted 1', 'accepted 2', 'accepted 3']);
});

test('a copy of what turns out to be good is a copy', () => {
  const { under, log, item, verifying } = intake();
  under.examine(alice, item('m', 'first'), false);
  under.examine(mallory, item('m', 'second'), false);
  under.verified('first', 'good');
  expect(verifying()).toEqual(['first']);
  expect(log.toSorted()).toEqual(['accepted first', 'copy second']);
});
