import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { clientOf } from '../record/target-node.ts';
import { localTarget } from '../targets/local-target.ts';
import type { TargetWorld } from '../targets/target.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { isAlive } from '../testing/processes.ts';
import { realDaemon } from '../testing/real-daemon.ts';
import { shellCommand } from '../world/daemon-command.ts';
import { OwnDisks } from '../world/own-disks.ts';
import { startReaper } from '../process/reaper.ts';
import { FaultInjector, mendAll, type Mechanism } from './fault-injector.ts';

const USES = ['clock', 'disk-full', 'disk-slow'] as const;
const STAGES = ['requested', 'applied', 'bit', 'healed', 'heal_seen'];

/** Writes one contact after the other. @returns what each answer was, by contact */
function writing(world: TargetWorld): AsyncDisposable & { readonly answers: Map<string, number> } {
  const answers = new Map<string, number>();
  const over = new AbortController();
  const [node] = world.nodes as [TargetWorld['nodes'][number]];
  const done = (async () => {
    for (let count = 1; !over.signal.aborted; count++) {
      const agent = count.toString(16).padStart(64, '0');
      const body = JSON.stringify({ agent_id: agent, trust_level: 'known', label: 'x'.repeat(200) });
      await using client = clientOf(node);
      const request = { method: 'POST', target: '/contacts', body, headers: { 'content-type': 'application/json' } } as const;
      const answer = await client.raw(request, { signal: systemClock.timeout(5_000) }).catch(() => undefined);
      if (answer) answers.set(agent, answer.status);
      await systemClock.sleep(20, over.signal).catch(() => undefined);
    }
  })();
  return {
    answers,
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
    },
  };
}

test('a daemon gets wrong clocks, a slow disk and a full one, each seen to bite and to be healed, and keeps what it acknowledged', async () => {
  await using world = await localTarget({ command: realDaemon() }).open({ nodes: 1, uses: USES });
  expect([...world.lacks!]).toEqual([]);
  const [node] = world.nodes as [TargetWorld['nodes'][number]];
  const [local, faults] = [node.local!, node.faults!];
  const { recorder, lines } = memoryRecorder();
  const injector = new FaultInjector(recorder, systemClock, 'test');
  const contacts = writing(world);
  const both = async (mechanism: Mechanism, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> => {
    const fault = await injector.inject(mechanism);
    await meanwhile();
    expect([mechanism.kind, await fault.heal()]).toEqual([mechanism.kind, true]);
    expect(lines.flatMap((line) => (line.type === 'fault' && line.kind === mechanism.kind ? [line.stage] : []))).toEqual(STAGES);
  };
  for (const mechanism of [faults.skewClock(20_000), faults.slowDisk(30)]) expect(await mechanism.bites()).toBeUndefined();
  const refused = () => [...contacts.answers.values()].includes(503);

  const skew = faults.skewClock(-20_000);
  await both(skew, async () => {
    await both(faults.restart());
    // It is the machine's clock that is wrong, not the process's.
    expect(await skew.bites()).toBeDefined();
  });
  await both(faults.driftClock(-900_000));
  await both(faults.slowDisk(30));
  expect(refused()).toBe(false);
  const { pid } = local.process;
  await both(faults.fillDisk(), () => eventually(systemClock, refused, { within: 10_000, what: 'a contact that finds no room' }));
  expect(local.process.pid).toBe(pid);
  const full = await injector.inject(faults.fillDisk());
  const restart = await injector.inject(faults.restart());
  expect([full.bit, await restart.heal(), local.died]).toEqual([true, false, undefined]);
  const why = expect.stringMatching(/^it does not come up while its disk is full: .*(?:disk is full|no space left)/) as string;
  expect(lines.at(-1)).toMatchObject({ event: 'not-healed', data: { fault: restart.id, why } });
  expect(await mendAll([restart, full])).toEqual([full, restart]);
  expect(await Promise.all([full.heal(), restart.heal()])).toEqual([true, true]);
  await contacts[Symbol.asyncDispose]();

  await using client = clientOf(node);
  const kept = new Set((await client.contacts.list()).contacts.map(({ agent_id }) => String(agent_id)));
  const answered = (status: number) => [...contacts.answers].filter(([, one]) => one === status).map(([agent]) => agent);
  expect(answered(201).length).toBeGreaterThan(5);
  expect(answered(201).filter((agent) => !kept.has(agent))).toEqual([]);
  expect(answered(503).filter((agent) => kept.has(agent))).toEqual([]);
});

test('a daemon that does not run on Node, and a machine where nothing may be mounted, are said to be so, and nothing is done to them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-no-mount-'));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  const unshare = join(folder, 'unshare');
  writeFileSync(unshare, '#!/bin/sh\necho "unshare: unshare failed: Operation not permitted" >&2\nexit 1\n');
  chmodSync(unshare, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  const foreign = `env -u NODE_OPTIONS '${process.execPath}' "${fakeDaemon().args.join('')}"`;
  await using world = await localTarget({ command: shellCommand(foreign) }).open({ nodes: 1, uses: USES });
  expect([...world.lacks!.keys()].toSorted()).toEqual([...USES]);
  const { recorder, lines } = memoryRecorder();
  const injector = new FaultInjector(recorder, systemClock, 'test');
  const { faults } = world.nodes[0]!;
  for (const mechanism of [faults!.skewClock(20_000), faults!.driftClock(500_000), faults!.slowDisk(30), faults!.fillDisk(), faults!.losePower()]) {
    const fault = await injector.inject(mechanism);
    expect([fault.bit, await fault.heal()]).toEqual([false, false]);
  }
  expect(lines.map((line) => line.type === 'fault' && [line.stage, line.evidence])).toEqual([
    ['requested', { refused: expect.stringContaining('does not run on Node') as string }],
    ['requested', { refused: expect.stringContaining('does not run on Node') as string }],
    ['requested', { refused: expect.stringContaining('does not run on Node') as string }],
    ['requested', { refused: expect.stringMatching(/^no disk can be mounted here: unshare: unshare failed: Operation not permitted/) as string }],
    ['requested', { refused: expect.stringContaining('--world sim can') as string }],
  ]);
  expect(await world.nodes[0]!.local!.health()).toMatchObject({ state: 'healthy' });
});

test('disks are gone with whoever keeps them, and those who keep them with the run', async () => {
  const reaper = await startReaper();
  const disks = await OwnDisks.open([reaper.directory], reaper);
  writeFileSync(join(disks.outside(reaper.directory), 'file'), 'full');
  expect(disks.free(reaper.directory)).toBeGreaterThan(0);
  expect(await disks.fill(reaper.directory)).toBeGreaterThan(0);
  expect(disks.free(reaper.directory)).toBe(0);
  await disks.empty(reaper.directory);
  expect(disks.free(reaper.directory)).toBeGreaterThan(0);
  const keeper = Number(disks.outside('').split('/')[2]);
  await reaper[Symbol.asyncDispose]();
  await eventually(systemClock, () => !isAlive(keeper), { within: 5_000, what: 'the end of the keeper' });
  await expect(disks.empty('/')).rejects.toThrow(/cannot be made roomy again: whoever keeps the disks is gone/);
});
