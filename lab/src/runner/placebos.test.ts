/** The runner itself on trial: targets that pass, lie, hang, crash, flood and answer too late, and what it makes of them. */
import type { EventOf, Registry } from '@muster/contract';
import { createNode, type NodePorts } from '@muster/node';
import { claims, type ProofReport } from '@muster/proof';
import { expect, test } from 'vitest';
import { OPERATION_LIMIT_MS } from '../record/node-handle.ts';
import type { Saboteur } from '../saboteurs/saboteur.ts';
import { sabotage } from '../saboteurs/saboteurs.ts';
import { simulatedTarget } from '../targets/simulated-target.ts';
import { judge } from './prove.ts';
import { scenario, suite } from './scenario.ts';

const requirement = { id: 'test.keeps', text: 'What a node takes it has, and what it delivers was said.' };
const MESSAGES = 3;
const FLOOD = 5_000;
const stranger = { agent_id: 'aa'.repeat(32), trust_level: 'known' } as const;

const keeps = scenario({
  id: 'test/keeps',
  title: 'a contact that was taken is there',
  requirements: [requirement.id],
  needs: { nodes: 1, capabilities: ['contacts.add'] },
  phases: {
    async drive({ nodes, claim }) {
      const [node] = nodes;
      claim('taken', requirement.id, 'MUST', claims.status(await node!.rest('contacts.add', stranger), 201));
      const listed = await node!.rest('contacts.list');
      claim('there', requirement.id, 'MUST', claims.includes({ op: listed.id, at: '/output/contacts' }, stranger.agent_id, '/agent_id'));
    },
  },
});

const hears = scenario({
  id: 'test/hears',
  title: 'what was published is delivered, and nothing else',
  requirements: [requirement.id],
  needs: { nodes: 1, capabilities: ['messaging.events'] },
  phases: {
    async drive({ nodes, claim, topic, eventually }) {
      const node = nodes[0]!;
      const heard = await node.follow('messaging.events');
      await node.rest('messaging.subscribe', { topic: topic('t') });
      for (let n = 0; n < MESSAGES; n++) await node.rest('messaging.publish', { topic: topic('t'), payload: Buffer.from(`${n}`).toString('base64') });
      await eventually('all is there', () => heard.count >= MESSAGES, 5_000);
      const where = [{ at: '/input/topic', equals: topic('t') }];
      const receipts = { stream: 'messaging.events', event: 'message', where: [{ at: '/data/topic', equals: topic('t') }] };
      const once = claims.deliveredExactlyOnce({
        sends: { op: 'messaging.publish', where },
        key: '/input/payload',
        receivers: { nodes: [node.name] },
        receipts,
        receiptKey: '/data/payload',
      });
      claim('once', requirement.id, 'MUST', once);
    },
  },
});

type Placebo = NonNullable<Saboteur['handlers']>;

async function verdictOf(placebo: Placebo): Promise<{ report: ProofReport; rows: Record<string, string>; virtualMs: number }> {
  const one: Saboteur = { name: 'placebo', plants: 'what the test says', node: 'alice', caughtBy: 'test/keeps', handlers: placebo };
  const target = simulatedTarget({
    seed: '1',
    compose: (settings, ports: NodePorts, identity) => sabotage(one, (wrapped) => createNode(settings, wrapped, identity), ports),
  });
  const report = await judge({
    suites: [suite({ name: 'test', title: 'Test', requirements: [requirement], scenarios: [keeps, hears] })],
    target,
    seed: '1',
    tool: { name: 'test', version: '0' },
    reproduce: 'test',
  });
  const rows = Object.fromEntries(report.verdict.rows.filter(({ id }) => id.startsWith('test/')).map(({ id, status }) => [id, status]));
  return { report, rows, virtualMs: target.simulation.schedule.now };
}

const PASSED = { 'test/keeps/taken': 'pass', 'test/keeps/there': 'pass', 'test/hears/once': 'pass' };

test('one that does what it says passes', async () => {
  const { report, rows } = await verdictOf(() => ({}));
  expect(rows).toMatchObject(PASSED);
  expect(report.verdict).toMatchObject({ outcome: 'passed', exitCode: 0 });
});

test('one that lies fails where it lied, and is to blame', async () => {
  const { report, rows } = await verdictOf(() => ({ 'contacts.list': () => ({ contacts: [] }) }));
  expect(rows).toMatchObject({ ...PASSED, 'test/keeps/there': 'fail' });
  expect(report.verdict).toMatchObject({ exitCode: 1, blame: 'target', blamed: { target: 1, lab: 0, harness: 0 } });
});

test('one that hangs is given its time and no more, and what does not hang is judged', async () => {
  const { report, rows, virtualMs } = await verdictOf(() => ({ 'contacts.add': () => new Promise(() => undefined) }));
  expect(rows).toMatchObject({ ...PASSED, 'test/keeps/taken': 'fail', 'test/keeps/there': 'fail' });
  expect(report.verdict).toMatchObject({ exitCode: 1, blame: 'target' });
  expect(virtualMs).toBeLessThan(2 * OPERATION_LIMIT_MS);
});

test('one that crashes is to blame, and what follows is judged on a node that runs', async () => {
  const { report, rows } = await verdictOf((handlers, _, clock) => ({
    'contacts.add': (input, context) => {
      clock.after(1, () => {
        throw new Error('segmentation fault');
      });
      return clock.sleep(5).then(() => handlers['contacts.add'](input, context));
    },
  }));
  expect(rows).toMatchObject({ ...PASSED, 'test/keeps/taken': 'fail', 'test/keeps/there': 'fail' });
  expect(report.worlds).toHaveLength(2);
  expect(report.verdict).toMatchObject({ exitCode: 1, blame: 'target' });
});

test('one that floods is heard out, and fails by what it made up', async () => {
  const { report, rows } = await verdictOf((handlers, _, clock) => ({
    'messaging.events': async (input, context) => {
      const stream = await handlers['messaging.events'](input, context);
      async function* flooded(): AsyncGenerator<EventOf<Registry['messaging.events']>> {
        for await (const event of stream.events) {
          yield event;
          if (event.event !== 'message') continue;
          for (let n = 0; n < FLOOD; n++) {
            if (n % 1_000 === 0) await clock.sleep(1);
            const { data } = event.data;
            yield { ...event, data: { ...event.data, data: { ...data, payload: Buffer.from(`made up ${n}`).toString('base64') } } };
          }
        }
      }
      return { events: flooded(), close: () => stream.close() };
    },
  }));
  expect(rows).toMatchObject({ ...PASSED, 'test/hears/once': 'fail', 'test/hears/completed': 'pass' });
  expect(report.verdict).toMatchObject({ exitCode: 1, blame: 'target' });
  expect(report.journal.lines).toBeGreaterThan(1_000);
});

test('an answer that comes after the deadline is none', async () => {
  const { report, rows } = await verdictOf((handlers, _, clock) => ({
    'contacts.add': async (input, context) => {
      const answer = await handlers['contacts.add'](input, context);
      await clock.sleep(OPERATION_LIMIT_MS + 1_000);
      return answer;
    },
  }));
  // It may have happened, and it has: that is seen, and does not make the answer a timely one.
  expect(rows).toMatchObject({ ...PASSED, 'test/keeps/taken': 'fail' });
  expect(report.verdict).toMatchObject({ exitCode: 1, blame: 'target', blamed: { target: 1 } });
});
