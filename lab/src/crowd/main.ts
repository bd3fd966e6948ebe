/** Many daemons in one process: `main.js NAME=CONFIG…`. They share nothing but the process: own homes, ports, keys and APIs. */
import { readFile } from 'node:fs/promises';
import { instancePaths, lineLog, readConfig, runDaemon } from '@muster/node';

const members = process.argv.slice(2).map((argument) => {
  const at = argument.indexOf('=');
  if (at < 1) throw new Error(`usage: main.js NAME=CONFIG…, not ${argument}`);
  return { name: argument.slice(0, at), file: argument.slice(at + 1) };
});
const daemons = await Promise.all(
  members.map(async ({ name, file }) => {
    const config = readConfig(await readFile(file, 'utf8'), file, instancePaths(name), { name, apiPort: 0 });
    return runDaemon({ config, log: lineLog(process.stderr, config.logLevel, config.logFormat) });
  }),
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]())));
}
await Promise.all(daemons.map(({ closed }) => closed));
