/** A node as a scenario uses it: every operation, whatever its surface, is recorded with what came of it. */
import { buildRequest, type Capability, type CapabilityName, type InputOf, type OutputOf, type Registry, registry } from '@muster/contract';
import { type CallName, type Client, ConnectionError, type RawRequest, RefusedError, type StreamName, type WireResponse } from '@muster/client';
import type { EventOf } from '@muster/contract';
import type { Json, Surface } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { commandLine } from './command-line.ts';
import { Following } from './following.ts';
import { type Completion, type Operation, PrerequisiteFailed, type Recorder } from './recorder.ts';
import { runCommand } from './run-command.ts';
import { clientOf, type TargetNode } from './target-node.ts';

export const OPERATION_LIMIT_MS = 10_000;

type Declared<N extends CapabilityName> = Extract<Registry[N], Capability>;
type AnyInput = Readonly<Record<string, unknown>>;

export interface HandleOptions {
  readonly recorder: Recorder;
  readonly clock: LabClock;
  /** ms until an operation is recorded as `info` */
  readonly timeout?: number;
}

export interface OperationOptions {
  readonly timeout?: number;
}

export class NodeHandle implements AsyncDisposable {
  readonly name: string;
  readonly target: TargetNode;
  /** 64 hex characters, once `introduce` has asked */
  agentId = '';
  machineId = '';
  readonly #options: HandleOptions;
  readonly #following = new Set<Following<unknown>>();
  #client: { readonly key: string; readonly client: Client } | undefined;

  constructor(target: TargetNode, options: HandleOptions) {
    this.name = target.name;
    this.target = target;
    this.#options = options;
    options.recorder.secret(target.token);
  }

  /** Unrecorded client of the node as it runs now. */
  get client(): Client {
    const key = `${this.target.address} ${this.target.token}`;
    if (this.#client?.key !== key) {
      void this.#client?.client[Symbol.asyncDispose]();
      this.#client = { key, client: clientOf(this.target) };
    }
    return this.#client.client;
  }

  /** The capability's request by plain HTTP; the answer is recorded as it came, allowed by the contract or not. */
  rest<N extends CallName>(name: N, input?: InputOf<Declared<N>>, options: OperationOptions = {}): Promise<Operation<OutputOf<Declared<N>>>> {
    const { method, target, body } = buildRequest(registry[name], (input ?? {}) as AnyInput);
    const request = { method, target, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) };
    return this.#request(name, request, input ?? {}, options);
  }

  /** Any request, well-formed or not, recorded under the name of the capability it is aimed at. */
  raw(op: string, request: RawRequest, options: OperationOptions = {}): Promise<Operation<unknown>> {
    const { token, body, ...rest } = request;
    const shown = typeof body === 'string' ? { body: body.slice(0, 2000), bytes: body.length } : body ? { bytes: body.length } : {};
    return this.#request(op, request, { ...rest, ...shown, ...(token !== undefined && { token: token === null ? null : 'given' }) }, options);
  }

  /** By the typed client: what it refuses to return is recorded as an error. */
  typed<N extends CallName>(name: N, input?: InputOf<Declared<N>>, options: OperationOptions = {}): Promise<Operation<OutputOf<Declared<N>>>> {
    const call = this.client.call as unknown as (name: N, input: unknown, o: { signal: AbortSignal }) => Promise<OutputOf<Declared<N>>>;
    return this.#record<OutputOf<Declared<N>>>('client', name, input ?? {}, options, async (signal) => ({
      outcome: 'ok',
      output: await call(name, input ?? {}, { signal }),
    }));
  }

  /** By the real CLI, run against this node; `status` is its exit code, `output` what it printed, parsed when it is JSON. */
  cli<N extends CapabilityName>(name: N, input?: InputOf<Declared<N>>, options: OperationOptions = {}): Promise<Operation<OutputOf<Declared<N>>>> {
    const args = commandLine(registry[name], (input ?? {}) as AnyInput);
    return this.command(name, args, input ?? {}, options) as Promise<Operation<OutputOf<Declared<N>>>>;
  }

  /** The CLI with arguments of one's own. */
  command(op: string, args: readonly string[], input: unknown = { args }, options: OperationOptions = {}): Promise<Operation<unknown>> {
    const { cli, address, token } = this.target;
    if (!cli) throw new Error(`${this.name} has no CLI`);
    const timeout = options.timeout ?? this.#options.timeout ?? OPERATION_LIMIT_MS;
    return this.#record('cli', op, input, { timeout: timeout + 1000 }, async () => {
      const env = { ...cli.env, X0X_API_TOKEN: token };
      const result = await runCommand({ ...cli, env }, ['--json', '--api', address, ...args], timeout);
      if (result.code === undefined) return { outcome: 'info', error: `cut off after ${timeout} ms` };
      const output = parsed(result.stdout);
      return { outcome: result.code === 0 ? 'ok' : 'fail', status: result.code, output, ...(result.stderr && { error: result.stderr.trim() }) };
    });
  }

  /** Opens an event stream and records each event from the moment this resolves; the next is not read before `onEvent` has settled. @throws PrerequisiteFailed when the node does not accept it */
  async follow<N extends StreamName>(
    name: N,
    options: OperationOptions & { readonly onEvent?: (event: EventOf<Declared<N>>) => void | Promise<void> } = {},
  ): Promise<Following<EventOf<Declared<N>>>> {
    type Event = EventOf<Declared<N>>;
    const open = this.client.stream as unknown as (name: N) => AsyncIterable<Event> & { opened: Promise<void>; close(): void };
    const stream = open(name);
    const opening = await this.#record<undefined>('sse', name, {}, options, async (signal) => {
      await Promise.race([stream.opened, rejectedBy(signal)]);
      return { outcome: 'ok' };
    });
    if (opening.outcome !== 'ok') {
      stream.close();
      throw new PrerequisiteFailed(opening, `${this.name}: ${name} did not open`);
    }
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const following = new Following<Event>(opening, this.#options.clock, async () => {
      this.#following.delete(following as Following<unknown>);
      stream.close();
      await over;
    });
    this.#following.add(following as Following<unknown>);
    void this.#read(name, stream, following, options.onEvent).finally(resolve);
    return following;
  }

  async #read<Event extends { event: string; data: unknown }>(
    stream: string,
    events: AsyncIterable<Event>,
    following: Following<Event>,
    onEvent?: (event: Event) => void | Promise<void>,
  ): Promise<void> {
    try {
      for await (const event of events) {
        const line = this.#options.recorder.observe(this.name, stream, event.event, event.data as Json);
        following.arrived(line.seq, event);
        await onEvent?.(event);
      }
      following.finished('closed');
    } catch (error) {
      following.finished(error instanceof Error ? error.message : String(error));
    }
  }

  /** Asks the node who it is. @returns the operation; ids are set when it succeeded */
  async introduce(): Promise<Operation<OutputOf<Registry['identity.get']>>> {
    const operation = await this.rest('identity.get');
    if (operation.outcome === 'ok' && operation.output) {
      this.agentId = operation.output.agent_id;
      this.machineId = operation.output.machine_id;
    }
    return operation;
  }

  #request<Output>(op: string, request: RawRequest, input: unknown, options: OperationOptions): Promise<Operation<Output>> {
    return this.#record<Output>('rest', op, input, options, async (signal) => {
      const response = await this.client.raw(request, { signal });
      return { outcome: outcomeOf(response.status), status: response.status, output: bodyOf(response) as Output };
    });
  }

  #record<Output>(
    surface: Surface,
    op: string,
    input: unknown,
    options: OperationOptions,
    run: (signal: AbortSignal) => Promise<Completion<Output>>,
  ): Promise<Operation<Output>> {
    const limit = options.timeout ?? this.#options.timeout ?? OPERATION_LIMIT_MS;
    const attempt = { process: this.name, surface, op, input: JSON.parse(JSON.stringify(input ?? {})) as Json };
    return this.#options.recorder.operation(attempt, async () => {
      const signal = this.#options.clock.timeout(limit);
      try {
        return await run(signal);
      } catch (error) {
        if (error instanceof RefusedError) return { outcome: outcomeOf(error.status), status: error.status, output: error.body as Output };
        // Nothing left this host before a connection was made: that certainly did not happen. All else is unknown.
        const outcome = error instanceof ConnectionError && !error.sent ? 'fail' : 'info';
        const reason = signal.aborted ? `no answer within ${limit} ms` : error instanceof Error ? error.message : String(error);
        return { outcome, error: reason };
      }
    });
  }

  /** Closes its streams and connections; the node itself belongs to its world. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#following].map((following) => following[Symbol.asyncDispose]()));
    await this.#client?.client[Symbol.asyncDispose]();
    this.#client = undefined;
  }
}

/** A gateway's or a server's failure leaves open what happened; that it is unavailable (503) says that nothing did. */
function outcomeOf(status: number): 'ok' | 'fail' | 'info' {
  if (status < 300) return 'ok';
  return status >= 500 && status !== 503 ? 'info' : 'fail';
}

function bodyOf({ body }: WireResponse): unknown {
  return parsed(new TextDecoder().decode(body));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}
