/** Stops the daemon, and is done when its process has ended. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '@muster/contract';
import { type Client, ConnectionError } from '@muster/client';
import { exchange, NoAnswer } from './capability-call.ts';
import { connect, explain, type Target } from './connection.ts';
import { loadConfig } from './daemon-config.ts';
import { codeOf, Failure } from './failure.ts';
import { readPid } from './instance-state.ts';
import { printJson, printLine } from './output.ts';

const ANSWER_LIMIT_MS = 10_000;
const END_LIMIT_MS = 5000;
const POLL_MS = 20;
const PROBE_MS = 1000;

/** Resolves with the exit code. @throws Failure */
export async function stop(target: Target & { readonly json: boolean }): Promise<number> {
  // The process of a daemon that is named by its address is nobody's business here: only its API can be watched.
  const pid = target.api === undefined ? await readPid((await loadConfig({ name: target.name })).dataDir) : undefined;
  await using client = await connect(target);
  try {
    const answer = await endDaemon(client, pid);
    await (target.json ? printJson(answer ?? { ok: true }) : printLine('stopped'));
    return 0;
  } catch (error) {
    throw explain(error, target);
  }
}

/** Resolves with the daemon's answer once it has ended; `pid` as far as it is known. @throws Failure, or what `exchange` throws */
export async function endDaemon(client: Client, pid: number | undefined): Promise<unknown> {
  const answer = await exchange(client, registry['status.shutdown'], {}, ANSWER_LIMIT_MS).catch((error: unknown) => {
    throw error instanceof NoAnswer && pid !== undefined
      ? new Failure(`the daemon (pid ${pid}) does not answer; to end it all the same: kill -9 ${pid}`)
      : error;
  });
  const gone = pid === undefined ? () => unreachable(client) : () => ended(pid);
  const deadline = performance.now() + END_LIMIT_MS;
  while (!(await gone())) {
    if (performance.now() > deadline) {
      const which = pid === undefined ? 'the daemon' : `the daemon (pid ${pid})`;
      throw new Failure(`${which} agreed to stop, but has not ended within ${END_LIMIT_MS / 1000} s`);
    }
    await sleep(POLL_MS);
  }
  return answer;
}

/** A process that nobody has waited for yet still has its id, but does nothing any more. */
async function ended(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /^\d+ \(.*\) [ZX] /su.test(stat);
}

async function unreachable(client: Client): Promise<boolean> {
  try {
    await client.raw({ method: 'GET', target: '/health', token: null }, { signal: AbortSignal.timeout(PROBE_MS) });
    return false;
  } catch (error) {
    return error instanceof ConnectionError && !error.sent;
  }
}
