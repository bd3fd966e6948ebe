/** A sabotaged daemon with the flags of a real one: `main.js SABOTEUR --config FILE [--name NAME] …`; the lab starts it in place of `musterd`. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createNode, instancePaths, lineLog, readConfig, runDaemon } from '@muster/node';
import { sabotage, SABOTEURS } from './saboteurs.ts';

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { config: { type: 'string' }, name: { type: 'string' }, 'api-port': { type: 'string' } },
});
const saboteur = SABOTEURS.find(({ name }) => name === positionals[0]);
if (!saboteur || typeof values['config'] !== 'string')
  throw new Error(`usage: main.js SABOTEUR --config FILE; saboteurs: ${SABOTEURS.map(({ name }) => name).join(', ')}`);
const name = typeof values['name'] === 'string' ? values['name'] : undefined;
const apiPort = typeof values['api-port'] === 'string' ? Number(values['api-port']) : undefined;
const config = readConfig(await readFile(values['config'], 'utf8'), values['config'], instancePaths(name), { name, apiPort });
const daemon = await runDaemon({
  config,
  log: lineLog(process.stderr, config.logLevel, config.logFormat),
  compose: (settings, ports, identity) => sabotage(saboteur, (wrapped) => createNode(settings, wrapped, identity), ports),
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void daemon[Symbol.asyncDispose]());
await daemon.closed;
