/** What is to be proven, as the options of `muster prove` say it. */
import { readFile } from 'node:fs/promises';
import {
  crowdedDaemons,
  localTarget,
  NoScenario,
  ownDaemon,
  remoteTarget,
  sabotagedDaemon,
  SABOTEURS,
  shellCommand,
  simulatedTarget,
  type Target,
  TargetAddressError,
  UnknownSuite,
  withBug,
} from '@muster/lab';
import { entry } from './entries.ts';
import { codeOf, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import type { ProveRequest } from './prove.ts';

type TargetRequest = Pick<ProveRequest, 'target' | 'tokenFile' | 'targetCmd' | 'world' | 'realCrypto' | 'saboteur'>;

/** @throws UsageError for options that contradict each other */
export async function targetOf(request: TargetRequest, seed: string): Promise<Target> {
  const { target = [], tokenFile = [], targetCmd, world, realCrypto = false } = request;
  const saboteur = saboteurOf(request);
  if (world === 'sim') {
    if (target.length > 0 || targetCmd !== undefined)
      throw new UsageError('--world sim simulates our own node: it excludes --target and --target-cmd');
    return named(simulatedTarget({ seed, realCrypto, ...(saboteur && { compose: withBug(saboteur) }) }), saboteur);
  }
  if (realCrypto) throw new UsageError('--real-crypto is for --world sim: daemons have no other');
  const cli = { command: process.execPath, args: [...entry('muster').flags, entry('muster').file] };
  if (target.length !== tokenFile.length)
    throw new UsageError(`give one --token-file for each --target, in the same order (${tokenFile.length} for ${target.length})`);
  if (target.length > 0) {
    if (targetCmd !== undefined) throw new UsageError('--target and --target-cmd exclude each other');
    return remoteTarget(await Promise.all(target.map(async (url, index) => ({ url, token: await readToken(tokenFile[index]!) }))));
  }
  if (targetCmd !== undefined) return localTarget({ command: shellCommand(targetCmd) });
  const daemon = entry('musterd');
  const commands = saboteur && { commands: { [saboteur.node]: sabotagedDaemon(saboteur) } };
  return named(localTarget({ command: ownDaemon(daemon.file, daemon.flags), ...commands, cli, crowd: crowdedDaemons() }), saboteur);
}

function saboteurOf({ saboteur: name, target, targetCmd }: TargetRequest) {
  if (name === undefined) return undefined;
  if (target || targetCmd !== undefined) throw new UsageError('--saboteur plants a bug in our own node: it excludes --target and --target-cmd');
  const found = SABOTEURS.find((one) => one.name === name && !one.prints);
  if (!found)
    throw new UsageError(
      `there is no saboteur ${name}; there are ${SABOTEURS.filter(({ prints }) => !prints)
        .map((one) => one.name)
        .join(', ')}`,
    );
  return found;
}

/** Nobody is to take what was sabotaged for our own node. */
function named(target: Target, saboteur: ReturnType<typeof saboteurOf>): Target {
  return saboteur ? { ...target, implementation: `${target.implementation}, ${saboteur.node} with a planted bug: ${saboteur.name}` } : target;
}

async function readToken(file: string): Promise<string> {
  const token = (
    await readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`--token-file ${file}: ${codeOf(error) === 'ENOENT' ? 'no such file' : messageOf(error)}`);
    })
  ).trim();
  if (token === '') throw new UsageError(`--token-file ${file}: is empty`);
  return token;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the user can correct ends with the exit code for usage. */
export async function usage<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const correctable = [UsageError, UnknownSuite, NoScenario, TargetAddressError, SyntaxError, RangeError].some((kind) => error instanceof kind);
    if (correctable || codeOf(error) !== undefined) throw new Failure(messageOf(error), EXIT_USAGE);
    throw error;
  }
}
