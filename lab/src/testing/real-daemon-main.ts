/** A real node behind the flags that the lab gives to every daemon. For the lab's own tests, which stand below `musterd`. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { instancePaths, lineLog, readConfig, runDaemon } from '@muster/node';

const { values } = parseArgs({ strict: false, options: { config: { type: 'string' }, name: { type: 'string' } } });
const [file, name] = [String(values.config), String(values.name)];
const config = readConfig(await readFile(file, 'utf8'), file, instancePaths(name), { name });
const daemon = await runDaemon({ config, log: lineLog(process.stderr, config.logLevel, config.logFormat) });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void daemon[Symbol.asyncDispose]());
await daemon.closed;
process.exit(0);
