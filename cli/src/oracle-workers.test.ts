import { expect, test } from 'vitest';
import { OracleWorkers } from './oracle-workers.ts';
import { until } from './testing/own-home.ts';

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a process runs trials one after the other, a second one what comes meanwhile, and none is left', async () => {
  const pids: number[] = [];
  {
    await using workers = new OracleWorkers();
    const bug = workers.simulate({ seed: '1', saboteur: 'wrong-status', settings: {} });
    const unknown = workers.simulate({ seed: '1', saboteur: 'no-such-bug', settings: {} });
    await expect(unknown).rejects.toThrow('there is no saboteur no-such-bug');
    expect(await bug).toMatchObject({ exitCode: 1, broken: expect.arrayContaining(['smoke/contacts/machine-again']) as string[] });
    expect(await workers.simulate({ seed: '1', saboteur: 'wrong-status', settings: {} })).toMatchObject({ exitCode: 1 });
    pids.push(...workers.pids);
    expect(pids, 'who answered with an error answers again').toHaveLength(2);

    // An idle one that dies is replaced.
    process.kill(pids[0]!, 'SIGKILL');
    await until(() => !alive(pids[0]!), 'the process is gone');
    const [reused, started] = await Promise.all([1, 2].map(() => workers.simulate({ seed: '1', saboteur: 'wrong-status', settings: {} })));
    expect([reused, started]).toMatchObject([{ exitCode: 1 }, { exitCode: 1 }]);
    expect(workers.pids).toHaveLength(3);

    const abort = new AbortController();
    const given = workers.simulate({ seed: '1', settings: { messages: 10_000 } }, abort.signal);
    abort.abort(new Error('never mind'));
    await expect(given).rejects.toThrow('never mind');
    const killed = workers.simulate({ seed: '1', settings: { messages: 10_000 } });
    for (const pid of workers.pids.filter(alive)) process.kill(pid, 'SIGKILL');
    await expect(killed).rejects.toThrow('has ended');
  }
  expect(pids.filter(alive)).toEqual([]);
}, 120_000);
