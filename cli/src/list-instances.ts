/** `muster instances`: who is there. */
import { homedir } from 'node:os';
import { sep } from 'node:path';
import { findInstances, labelOf } from './instances.ts';
import { columns, printJson, printLine } from './output.ts';
import { render } from './render.ts';

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
  else if (instances.length === 0) await printLine('no instances; make one with: muster start');
  else await printLine(render({ instances: instances.map((each) => ({ ...each, data_dir: fromHome(each.data_dir) })) }, columns()));
  return 0;
}

function fromHome(path: string): string {
  const home = homedir();
  return path.startsWith(`${home}${sep}`) ? `~${path.slice(home.length)}` : path;
}
