import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claims, type Observations, signerFromSeed, verifyBundle } from '@muster/proof';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { NodeHandle } from '../record/node-handle.ts';
import { localTarget } from '../targets/local-target.ts';
import { realDaemon } from '../testing/real-daemon.ts';
import { prove } from './prove.ts';
import { type Scenario, type ScenarioContext, scenario, suite } from './scenario.ts';

const requirement = { id: 'test.messages-arrive', text: 'A message reaches its recipient once.' };

async function run(scenarios: readonly Scenario[]) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-real-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  const out = join(folder, 'bundle');
  const signedBy: string[] = [];
  const { report } = await prove({
    suites: [suite({ name: 'test', title: 'Test', requirements: [requirement], scenarios })],
    target: localTarget({ command: realDaemon() }),
    out,
    runner: signerFromSeed(new Uint8Array(32).fill(9)),
    seed: '1',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove --seed 1',
    observer: (event) => event.type === 'finished' && signedBy.push(...event.unsigned.map(({ name }) => name)),
  });
  const verification = await verifyBundle(out);
  return { report, verification, unsigned: signedBy, left: readdirSync(folder) };
}

async function meshed({ nodes, eventually }: ScenarioContext): Promise<void> {
  const peers = async (node: NodeHandle) => (await node.client.status.health()).peers;
  await eventually('a full mesh', async () => (await Promise.all(nodes.map(peers))).every((count) => count === nodes.length - 1), 10_000);
}

/** Sends one message and claims that it arrives once. */
async function sendsOne(context: ScenarioContext, text: string): Promise<void> {
  const { nodes, claim, need } = context;
  const [alice, bob] = [nodes[0]!, nodes[1]!];
  await using inbox = await bob.follow('direct.events');
  const payload = Buffer.from(text).toString('base64');
  const send = alice.rest('direct.send', { agent_id: bob.agentId, payload });
  await need(send, 'the message is accepted');
  const receipt: Observations = { nodes: ['bob'], stream: 'direct.events', where: [{ at: '/payload', equals: payload }] };
  await inbox.first(({ data }) => data.payload === payload, { within: 5000, what: 'the message' });
  claim('arrives', requirement.id, 'MUST', claims.occurs(receipt, { atLeast: 1, atMost: 1 }));
}

test('three real nodes: a message, a bundle that every node signed, nothing left', async () => {
  const message = scenario({
    id: 'test/message',
    title: 'a direct message arrives',
    requirements: [requirement.id],
    needs: { nodes: 3, capabilities: ['direct.send'] },
    phases: { setup: meshed, drive: (context) => sendsOne(context, 'hello bob') },
  });
  const { report, verification, unsigned, left } = await run([message]);
  expect(report.verdict).toMatchObject({ outcome: 'passed', exitCode: 0 });
  expect(verification).toMatchObject({ exitCode: 0, findings: [] });
  expect(unsigned).toEqual([]);
  expect(left).toEqual(['bundle']);
});

test('a killed node comes back as itself; a half-open link is noticed and replaced', { timeout: 60_000 }, async () => {
  const comesBack = scenario({
    id: 'test/comes-back',
    title: 'a killed node comes back as itself',
    requirements: [requirement.id],
    needs: { nodes: 2, powers: ['kill'] },
    phases: {
      async setup(context) {
        await meshed(context);
        return context.faults.kill(context.nodes[1]!);
      },
      async drive(context, fault) {
        await fault.heal();
        const before = context.nodes[1]!.agentId;
        const after = await context.nodes[1]!.rest('identity.get');
        context.claim('itself', requirement.id, 'MUST', claims.equals({ op: after.id, at: '/output/agent_id' }, before), { needsFaults: [fault] });
        await meshed(context);
        await sendsOne(context, 'welcome back');
      },
    },
  });
  const halfOpen = scenario({
    id: 'test/half-open',
    title: 'a link that is dead in one direction is noticed',
    requirements: [requirement.id],
    needs: { nodes: 2, powers: ['half-open'], wiring: 'proxied' },
    phases: {
      setup: meshed,
      async drive(context) {
        const { nodes, links, faults, claim, eventually } = context;
        const fault = await faults.halfOpen(links[0]!, nodes[0]!);
        const noticed = await eventually('bob has no link to alice', async () => (await nodes[1]!.client.status.health()).peers === 0, 15_000);
        claim('noticed', requirement.id, 'MUST', claims.atMost({ seq: noticed.seq, at: '/data/ms' }, 15_000, 'ms'), { needsFaults: [fault] });
        await fault.heal();
        await meshed(context);
        await sendsOne(context, 'there you are');
      },
    },
  });
  const { report, verification } = await run([comesBack, halfOpen]);
  expect(report.verdict.rows.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(verification).toMatchObject({ exitCode: 0, findings: [] });
  expect(report.faults.map(({ stages }) => Object.keys(stages).length)).toEqual([5, 5]);
});
