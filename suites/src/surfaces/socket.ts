/** Calls on a socket: a frame is sent, and what came of it is known once a later frame is answered. */
import type { Client } from '@muster/client';
import type { Following, NodeHandle, Operation, ScenarioContext } from '@muster/lab';
import { Following as Follow, PrerequisiteFailed } from '@muster/lab';
import type { Json } from '@muster/proof';
import type { Socket } from './plan.ts';

const ANSWER_LIMIT_MS = 10_000;

export interface Frame {
  readonly type: string;
  readonly message?: string;
  readonly topics?: readonly string[];
}

export class SocketCalls implements AsyncDisposable {
  readonly frames: Following<Frame>;
  readonly #context: ScenarioContext;
  readonly #node: NodeHandle;
  readonly #socket: Awaited<ReturnType<Client['socket']>>;
  readonly #barrier: string;
  #barriers = 0;

  private constructor(context: ScenarioContext, node: NodeHandle, socket: Awaited<ReturnType<Client['socket']>>, opening: Operation) {
    this.#context = context;
    this.#node = node;
    this.#socket = socket;
    this.#barrier = context.topic('barrier');
    this.frames = new Follow<Frame>(opening, context.clock, () => socket[Symbol.asyncDispose]());
  }

  /** Opens the socket, with the token in its header or in its address, and records every frame that arrives. @throws PrerequisiteFailed */
  static async open(context: ScenarioContext, node: NodeHandle, { name }: Socket, token: 'header' | 'query' = 'header'): Promise<SocketCalls> {
    const { record } = context;
    let socket: Awaited<ReturnType<Client['socket']>> | undefined;
    const opening = await record.operation<null>({ process: node.name, surface: 'ws', op: name, input: { token } }, async () => {
      try {
        socket = await node.client.socket(name, {}, { signal: context.signal, token });
        return { outcome: 'ok', output: null };
      } catch (error) {
        return { outcome: 'fail', error: String(error) };
      }
    });
    if (!socket) throw new PrerequisiteFailed(opening, `${node.name} opens ${name}`);
    const calls = new SocketCalls(context, node, socket, opening);
    void calls.#read(name).then(
      () => calls.frames.finished('closed'),
      (error: unknown) => calls.frames.finished(String(error)),
    );
    return calls;
  }

  async #read(name: string): Promise<void> {
    for await (const frame of this.#socket as AsyncIterable<Frame>) {
      this.frames.arrived(this.#context.record.observe(this.#node.name, name, frame.type, frame as unknown as Json).seq, frame);
    }
  }

  /** Says something, a frame or not. */
  sendText(text: string): void {
    this.#socket.sendText(text);
  }

  /** Sends a frame as the operation `op`: refused when an `error` frame came before the answer to a frame sent after it. */
  call(op: string, frame: Readonly<Record<string, unknown>>): Promise<Operation<Json>> {
    const attempt = { process: this.#node.name, surface: 'ws' as const, op, input: frame as Json };
    return this.#context.record.operation<Json>(attempt, async () => {
      const from = this.frames.count;
      this.#socket.sendText(JSON.stringify(frame));
      try {
        await this.settled();
      } catch (error) {
        return { outcome: 'info', error: String(error) };
      }
      const { events, count } = this.frames;
      const refusal = events.slice(events.length - (count - from)).find(({ event }) => event.type === 'error');
      return refusal ? { outcome: 'fail', output: { error: refusal.event.message ?? '' } } : { outcome: 'ok', output: null };
    });
  }

  /** Resolves once all frames sent so far were handled: they are, in order. @throws DeadlineError */
  async settled(): Promise<void> {
    // Ending what was never begun changes nothing, and is answered.
    const nothing = `${this.#barrier}-${++this.#barriers}`;
    this.#socket.sendText(JSON.stringify({ type: 'unsubscribe', topics: [nothing] }));
    const isAnswer = ({ type, topics }: Frame): boolean => type === 'unsubscribed' && topics?.[0] === nothing;
    await this.frames.first(isAnswer, { within: ANSWER_LIMIT_MS, what: 'the answer on the socket', signal: this.#context.signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.frames[Symbol.asyncDispose]();
  }
}
