import {
  buildRequest,
  type Capability,
  type CapabilityName,
  type EventOf,
  type Families,
  families,
  type FrameOf,
  type InputOf,
  type OutputOf,
  type Registry,
  registry,
} from '@muster/contract';
import { bodyOf, readAnswer } from './answer.ts';
import { ContractError, RefusedError } from './errors.ts';
import { EventStream } from './event-stream.ts';
import { FrameSocket } from './frame-socket.ts';
import { httpTransport } from './http-transport.ts';
import type { Transport, WireRequest, WireResponse } from './transport.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:12700` */
  readonly baseUrl: string;
  /** without one only open capabilities answer */
  readonly token?: string;
  /** default: keep-alive HTTP connections to `baseUrl` */
  readonly transport?: Transport;
}

export interface CallOptions {
  /** the only time limit there is: `AbortSignal.timeout(ms)` */
  readonly signal?: AbortSignal;
}

export interface StreamOptions extends CallOptions {
  /** `query` sends the token as `?token=`, as a browser has to */
  readonly token?: 'header' | 'query';
  /** text of each comment line: keep-alives */
  readonly onComment?: (text: string) => void;
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** default: the client's token; `null` sends none */
  readonly token?: string | null;
}

type Declared<N extends CapabilityName> = Extract<Registry[N], Capability>;
type NameOfShape<S extends Capability['shape']> = { [N in CapabilityName]: Registry[N] extends { shape: S } ? N : never }[CapabilityName];
export type CallName = NameOfShape<'object' | 'bare' | 'text' | 'empty'>;
export type StreamName = NameOfShape<'stream'>;
export type SocketName = NameOfShape<'socket'>;

/** The input may be left out where no field is required. */
type Arguments<C extends Capability, O> =
  Record<never, never> extends InputOf<C> ? [input?: InputOf<C>, options?: O] : [input: InputOf<C>, options?: O];
type SocketOf<C extends Capability> = FrameSocket<EventOf<C>['data'], FrameOf<C>>;

type Verb<C extends Capability> = C['shape'] extends 'stream'
  ? (...args: Arguments<C, StreamOptions>) => EventStream<EventOf<C>>
  : C['shape'] extends 'socket'
    ? (...args: Arguments<C, StreamOptions>) => Promise<SocketOf<C>>
    : (...args: Arguments<C, CallOptions>) => Promise<OutputOf<C>>;

/** `client.direct.send(input)` and the like */
type Verbs = { readonly [F in keyof Families]: { readonly [V in keyof Families[F]]: Verb<Extract<Families[F][V], Capability>> } };

interface Core extends AsyncDisposable {
  /** Output of a capability. Throws `RefusedError`, `ContractError`, `ConnectionError`, or the signal's reason. */
  call<N extends CallName>(name: N, ...args: Arguments<Declared<N>, CallOptions>): Promise<OutputOf<Declared<N>>>;
  stream<N extends StreamName>(name: N, ...args: Arguments<Declared<N>, StreamOptions>): EventStream<EventOf<Declared<N>>>;
  /** resolves once the node has accepted the socket */
  socket<N extends SocketName>(name: N, ...args: Arguments<Declared<N>, StreamOptions>): Promise<SocketOf<Declared<N>>>;
  /** Any request, well-formed or not, and its answer as it came. */
  raw(request: RawRequest, options?: CallOptions): Promise<WireResponse>;
}

/** One node, as its user sees it. Disposing closes its idle connections. */
export type Client = Core & Verbs;

type AnyInput = Readonly<Record<string, unknown>>;

/**
 * A client of the node at `baseUrl`. Inputs are sent as given: it is the node that judges them. Answers are checked against
 * the contract.
 */
export function createClient(options: ClientOptions): Client {
  const transport = options.transport ?? httpTransport(options.baseUrl);
  const authorization = (token: string | null | undefined): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});

  const requestOf = (capability: Capability, input: AnyInput = {}, tokenIn?: StreamOptions['token']): WireRequest => {
    const { method, target, body } = buildRequest(capability, input);
    const byQuery = tokenIn === 'query' && options.token !== undefined;
    return {
      method,
      target: byQuery ? `${target}${target.includes('?') ? '&' : '?'}token=${encodeURIComponent(options.token)}` : target,
      headers: {
        ...(byQuery ? {} : authorization(options.token)),
        ...(capability.shape === 'stream' && { accept: 'text/event-stream' }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    };
  };

  const call = async (capability: Capability, input?: AnyInput, { signal }: CallOptions = {}): Promise<unknown> =>
    readAnswer(capability, await transport.request(requestOf(capability, input), signal));

  const stream = (capability: Capability, input?: AnyInput, streamOptions: StreamOptions = {}): EventStream<unknown> =>
    new EventStream(capability, (signal) => transport.stream(requestOf(capability, input, streamOptions.token), signal), streamOptions);

  const socket = async (capability: Capability, input?: AnyInput, { signal, token }: StreamOptions = {}): Promise<FrameSocket<unknown, unknown>> => {
    const answer = await transport.socket(requestOf(capability, input, token), signal);
    if ('frames' in answer) return new FrameSocket(capability, answer);
    if (answer.status >= 300) throw new RefusedError(capability.name, answer.status, bodyOf(answer));
    throw new ContractError(capability.name, `answered ${answer.status} instead of a socket`, bodyOf(answer));
  };

  const raw = (request: RawRequest, { signal }: CallOptions = {}): Promise<WireResponse> => {
    const { token = options.token, headers, ...rest } = request;
    return transport.request({ ...rest, headers: { ...authorization(token), ...headers } }, signal);
  };

  const verb = (capability: Capability) => {
    if (capability.shape === 'stream') return (input?: AnyInput, o?: StreamOptions) => stream(capability, input, o);
    if (capability.shape === 'socket') return (input?: AnyInput, o?: StreamOptions) => socket(capability, input, o);
    return (input?: AnyInput, o?: CallOptions) => call(capability, input, o);
  };
  const verbs = Object.fromEntries(
    Object.entries<Record<string, Capability>>(families).map(([family, members]) => [
      family,
      Object.fromEntries(Object.entries(members).map(([name, capability]) => [name, verb(capability)])),
    ]),
  );
  const core = {
    call: (name: CallName, input?: AnyInput, o?: CallOptions) => call(registry[name], input, o),
    stream: (name: StreamName, input?: AnyInput, o?: StreamOptions) => stream(registry[name], input, o),
    socket: (name: SocketName, input?: AnyInput, o?: StreamOptions) => socket(registry[name], input, o),
    raw,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
  // The verbs are the registry's own, so their types follow from it; the compiler cannot see through `fromEntries`.
  return { ...core, ...verbs } as unknown as Client;
}
