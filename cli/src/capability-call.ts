/** One capability, called on a daemon and printed. */
import { buildRequest, type Capability, type CliForm, registry } from '@muster/contract';
import { type Client, RefusedError, type StreamName, type WireResponse } from '@muster/client';
import { type Input, refusalOf } from './command-input.ts';
import { connect, explain, type Target } from './connection.ts';
import { columns, complain, onReaderLeft, print, printJson, printLine } from './output.ts';
import { Failure } from './failure.ts';
import { onInterrupt } from './interruption.ts';
import { render, renderEvent } from './render.ts';

export interface CallContext extends Target {
  readonly json: boolean;
}

/** Resolves with the exit code. @throws Failure */
export async function callCapability(capability: Capability, form: CliForm, input: Input, context: CallContext): Promise<number> {
  const refusal = refusalOf(capability, input);
  if (refusal) throw refused(refusal.status, refusal.json ?? refusal.text);
  await using client = await connect(context);
  try {
    if (capability.shape === 'stream') return await printEvents(client, capability, input, context);
    if (form.follow !== undefined) return await callAndFollow(client, capability, input, byName(form.follow), context);
    const called = context.json && form.json !== undefined ? byName(form.json) : capability;
    await printAnswer(called, await exchange(client, called, input), context.json);
    return 0;
  } catch (error) {
    throw error instanceof RefusedError ? refused(error.status, error.body) : explain(error, context);
  }
}

function byName(name: string): Capability {
  const capability = (registry as Readonly<Record<string, Capability>>)[name];
  if (!capability) throw new Error(`the registry names ${name}, which it does not hold`);
  return capability;
}

/** longer than any call of a living daemon takes: the longest dials for a minute */
const ANSWER_LIMIT_MS = 90_000;

/** The daemon took the call and said nothing. */
export class NoAnswer extends Failure {}

/** The parsed body of an accepted call: JSON, or text; `undefined` when there is none. @throws Failure when the node refused; NoAnswer */
export async function exchange(client: Client, capability: Capability, input: Input, withinMs = ANSWER_LIMIT_MS): Promise<unknown> {
  const { method, target, body } = buildRequest(capability, input);
  const carried = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const signal = AbortSignal.timeout(withinMs);
  const response = await client.raw({ method, target, ...carried }, { signal }).catch((error: unknown) => {
    throw signal.aborted ? new NoAnswer(`the daemon has not answered within ${withinMs / 1000} s; to see what is wrong: muster doctor`) : error;
  });
  const answer = bodyOf(capability, response);
  if (response.status >= 300) throw refused(response.status, answer);
  return answer;
}

function bodyOf(capability: Capability, response: WireResponse): unknown {
  const text = new TextDecoder().decode(response.body);
  const failed = response.status >= 300;
  if (text === '') return undefined;
  if (capability.shape === 'text' && !failed) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (failed) return text;
    throw new Failure(`${capability.name}: the daemon answered ${response.status} with something that is no JSON`);
  }
}

function refused(status: number, answer: unknown): Failure {
  const fields = typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>) : {};
  const { error = typeof answer === 'string' && answer !== '' ? answer : `HTTP ${status}`, detail } = fields;
  const text = typeof detail === 'string' ? `${String(error)}: ${detail}` : String(error);
  const hint = status === 401 ? ' (another daemon may answer there; its token goes into MUSTER_API_TOKEN)' : '';
  return new Failure(`${text}${hint}`, 1, answer === fields ? answer : { ok: false, error: text });
}

async function printAnswer(capability: Capability, answer: unknown, json: boolean): Promise<void> {
  if (answer === undefined) await (json ? printJson({ ok: true }) : printLine('ok'));
  else if (typeof answer === 'string' && capability.shape === 'text') await print(answer.endsWith('\n') ? answer : `${answer}\n`);
  else if (json || capability.shape === 'bare') await printJson(answer);
  else await printLine(render(answer, columns()));
}

type Event = { readonly event: string; readonly data: unknown };
type Interruption = Disposable & { readonly signal: AbortSignal };

/** Aborted with a Failure that has the exit code, also when the reader has left. */
function untilInterrupted(): Interruption {
  const controller = new AbortController();
  const interruption = onInterrupt((failure) => controller.abort(failure));
  onReaderLeft(() => controller.abort(new Failure('nobody reads', 0)));
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      interruption[Symbol.dispose]();
      onReaderLeft('exit');
    },
  };
}

const TAKE_BACK_MS = 2000;

/** A subscription is the follower's own: without it, the daemon would go on taking part for nobody. */
async function takeBack(client: Client, { name }: Capability, answer: unknown): Promise<void> {
  const { subscription_id: id } = fieldsOf(answer);
  if (name !== registry['messaging.subscribe'].name || id === undefined) return;
  // A daemon that has ended, or ended the subscription, leaves nothing to take back.
  await exchange(client, registry['messaging.unsubscribe'], { id }, TAKE_BACK_MS).catch(() => undefined);
}

function openStream(client: Client, capability: Capability, input: Input, signal: AbortSignal) {
  // The registry says that it is a stream, and the input was judged by its schema; which one it is does not matter here.
  return client.stream(capability.name as StreamName, input as Record<string, never>, { signal });
}

// Both wait for the end before they return, because what they use is disposed of on return.
async function printEvents(client: Client, capability: Capability, input: Input, { json }: CallContext): Promise<number> {
  using interruption = untilInterrupted();
  await using stream = openStream(client, capability, input, interruption.signal);
  return await printUntilEnd(stream, interruption, json);
}

async function callAndFollow(client: Client, capability: Capability, input: Input, follow: Capability, { json }: CallContext): Promise<number> {
  using interruption = untilInterrupted();
  await using stream = openStream(client, follow, {}, interruption.signal);
  await stream.opened;
  const answer = await exchange(client, capability, input);
  await printLine(json ? JSON.stringify(answer ?? { ok: true }) : render(answer, columns()));
  try {
    return await printUntilEnd(stream, interruption, json, (data) => concerns(answer, data));
  } finally {
    await takeBack(client, capability, answer);
  }
}

async function printUntilEnd(
  stream: AsyncIterable<Event>,
  { signal: interrupted }: Interruption,
  json: boolean,
  wanted = (_: unknown) => true,
): Promise<number> {
  try {
    for await (const { event, data } of stream) if (wanted(data)) await printLine(json ? JSON.stringify(data) : renderEvent(event, data));
  } catch (error) {
    if (!interrupted.aborted) throw error;
  }
  if (interrupted.aborted) return (interrupted.reason as Failure).exitCode;
  complain('muster: the daemon ended the stream');
  return 0;
}

/** A stream tells of everything on the daemon: what carries another id than the call was answered with is somebody else's. */
function concerns(answer: unknown, data: unknown): boolean {
  const own = fieldsOf(answer);
  const fields = fieldsOf(fieldsOf(data)['data'] ?? data);
  return Object.entries(own).every(([name, value]) => name === 'ok' || !Object.hasOwn(fields, name) || fields[name] === value);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
