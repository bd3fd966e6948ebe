/** `muster instances`: who is there. */
import { findInstances, labelOf } from './instances.ts';
import { printJson, printLine } from './output.ts';
import { renderTable } from './render.ts';

/** Resolves with the exit code. */
export async function printInstances(json: boolean): Promise<number> {
  const instances = (await findInstances()).map(({ name, running, pid, address, agentId, config }) => ({
    name: labelOf(name),
    running,
    pid: running ? (pid ?? null) : null,
    api_address: address ?? null,
    agent_id: agentId ?? null,
    data_dir: config.dataDir,
  }));
  if (json) await printJson({ ok: true, instances });
  else await printLine(instances.length === 0 ? 'no instances; make one with: muster start' : renderTable(instances).join('\n'));
  return 0;
}
