/** Event streams as other surfaces than the typed client give them: the command line, and the bytes of the answer itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Capability, registry } from '@muster/contract';
import { httpTransport, type StreamName } from '@muster/client';
import type { Json } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { killGroup } from '../process/process-table.ts';
import { Following } from './following.ts';
import type { NodeHandle } from './node-handle.ts';
import { type Completion, PrerequisiteFailed, type Recorder } from './recorder.ts';

export interface StreamRecord {
  readonly record: Recorder;
  readonly clock: LabClock;
  readonly signal: AbortSignal;
}

/** The stream under which the events of `followRaw` are recorded. */
export const rawStream = (name: string): string => `${name} by rest`;
/** The stream under which the lines of `followCommand` are recorded. */
export const commandStream = (name: string): string => `${name} by cli`;

/** Opens an event stream by plain HTTP and records its events as they were sent. @throws PrerequisiteFailed when it is refused */
export async function followRaw({ record, clock, signal }: StreamRecord, node: NodeHandle, name: StreamName): Promise<Following<Json>> {
  const { method, path } = registry[name];
  const transport = httpTransport(`http://${node.target.address}`);
  const headers = { authorization: `Bearer ${node.target.token}`, accept: 'text/event-stream' };
  let stream: Awaited<ReturnType<typeof transport.stream>> | undefined;
  const opening = await record.operation<null>({ process: node.name, surface: 'rest', op: name, input: {} }, async () => {
    stream = await transport.stream({ method, target: path, headers }, signal);
    const type = stream.headers['content-type'] ?? '';
    const outcome = stream.status === 200 && type.startsWith('text/event-stream') ? 'ok' : 'fail';
    return { outcome, status: stream.status, output: null, ...(outcome === 'fail' && { error: `answered with ${type}` }) };
  });
  const following = new Following<Json>(opening, clock, async () => {
    stream?.close();
    await transport[Symbol.asyncDispose]();
  });
  if (opening.outcome !== 'ok' || !stream) {
    await following[Symbol.asyncDispose]();
    throw new PrerequisiteFailed(opening, `${node.name}: ${name} did not open`);
  }
  const arrived = (event: string, data: Json): void => following.arrived(record.observe(node.name, rawStream(name), event, data).seq, data);
  void readEvents(stream.chunks, arrived).then(
    () => following.finished('closed'),
    (error: unknown) => following.finished(String(error)),
  );
  return following;
}

async function readEvents(chunks: AsyncIterable<Uint8Array>, arrived: (event: string, data: Json) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    const blocks = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'mu').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) arrived(field('event') ?? '', JSON.parse(data) as Json);
    }
  }
}

export interface CommandStreamOptions extends StreamRecord {
  /** true: its first line answers the call; the others are events */
  readonly answers?: boolean;
  /** for a command that says nothing when it is ready: whether it is */
  readonly ready?: () => Promise<unknown>;
}

/** Runs a command that prints events until it is told to end, and records each line. @throws PrerequisiteFailed when it ends by itself before it is ready */
export async function followCommand(
  { record, clock, answers = false, ready }: CommandStreamOptions,
  node: NodeHandle,
  { name }: Pick<Capability, 'name'>,
  args: readonly string[],
  input: Json,
): Promise<Following<Json>> {
  const { cli, address, token } = node.target;
  if (!cli) throw new Error(`${node.name} has no CLI`);
  const command = [...cli.args, '--json', '--api', address, ...args];
  const child = spawn(cli.command, command, { detached: true, env: { ...cli.env, X0X_API_TOKEN: token }, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text.slice(0, 2000)));
  const answer = Promise.withResolvers<Json>();
  const waiting: Json[] = [];
  let arrived = (data: Json): void => void waiting.push(data);
  let expectsAnswer = answers;
  lines.on('line', (line) => {
    const data = JSON.parse(line) as Json;
    if (!expectsAnswer) return arrived(data);
    expectsAnswer = false;
    answer.resolve(data);
  });
  const opening = await record.operation<Json>({ process: node.name, surface: 'cli', op: name, input }, () =>
    Promise.race([
      (answers ? answer.promise : (ready?.() ?? Promise.resolve()).then(() => null)).then((output): Completion<Json> => ({ outcome: 'ok', output })),
      closed.then(([code]): Completion<Json> => ({ outcome: 'fail', ...(code !== null && { status: code }), error: said.trim() })),
    ]),
  );
  const following = new Following<Json>(opening, clock, async () => {
    if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid, 'SIGINT');
    const patience = new AbortController();
    const stuck = clock.sleep(END_LIMIT_MS, patience.signal).then(() => child.pid !== undefined && killGroup(child.pid, 'SIGKILL'), () => undefined); // prettier-ignore
    await closed;
    patience.abort();
    await stuck;
  });
  if (opening.outcome !== 'ok') {
    await following[Symbol.asyncDispose]();
    throw new PrerequisiteFailed(opening, `${node.name}: the command of ${name} ended`);
  }
  arrived = (data) => following.arrived(record.observe(node.name, commandStream(name), 'line', data).seq, data);
  for (const data of waiting.splice(0)) arrived(data);
  void closed.then(() => following.finished('ended'));
  return following;
}

/** ms in which a command must end that was told to */
const END_LIMIT_MS = 5_000;
