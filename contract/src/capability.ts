/**
 * One capability, declared once. REST route, OpenAPI entry, SSE/WS stream, CLI command, client method,
 * parity matrix and generated bad input are all derived from this. Data only: no handler, no I/O.
 */
import type { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** `bearer`: Authorization header. `open`: none. `query`: header, or `?token=` (browsers cannot set headers on streams). */
export type Auth = 'bearer' | 'open' | 'query';

/**
 * What a request body must be (reference: the compatible API's conventions).
 * - `none`: whatever is sent is ignored.
 * - `json-prefix`: required JSON; bytes after the first complete value are ignored.
 * - `strict-optional`: empty means `{}`; anything else must be exactly one JSON value.
 * - `tolerant`: missing, mistyped or broken bodies mean `{}`.
 */
export type BodyPolicy = 'none' | 'json-prefix' | 'strict-optional' | 'tolerant';

/** Success body: `object` carries `ok: true` beside the fields; `bare` is the value itself; `text`; `empty`; `stream` = SSE; `socket` = WebSocket. */
export type Shape = 'object' | 'bare' | 'text' | 'empty' | 'stream' | 'socket';

/** A documented failure. `error` is the stable text or its beginning; `{}` in it stands for a value. */
export interface ErrorCase {
  readonly status: number;
  readonly error: string;
  readonly when: string;
  /** further keys of the JSON body beside `ok` and `error`: `detail` */
  readonly fields?: readonly string[];
}

/** How a positional CLI argument becomes an input field. */
export interface CliArgument {
  /** The input field it fills. */
  readonly field: string;
  /** Shown in help, upper case: `AGENT_ID`. */
  readonly label: string;
  /** `value`: as typed. `text`: UTF-8 text, sent as base64. `file`: a path, sent as `path`, `sha256` and `size`. `rest`: everything after `--`. */
  readonly as?: 'value' | 'text' | 'file' | 'rest';
  readonly optional?: boolean;
}

/** The command: input fields that are not positional become `--kebab-case` options. */
export interface CliForm {
  /** `contacts add` */
  readonly command: string;
  readonly arguments?: readonly CliArgument[];
  /** option name by input field, where it is not the kebab-case of the field (`trust_level` → `trust`) */
  readonly options?: Readonly<Record<string, string>>;
  /** sent when the user gives none, for fields the API requires and the command does not */
  readonly defaults?: Readonly<Record<string, string>>;
  /** other spellings of `command` */
  readonly aliases?: readonly string[];
  /** flags that scripts of the compatible command give, for what is so here anyway: taken, without effect */
  readonly accepted?: readonly string[];
  /** capability called instead under `--json` */
  readonly json?: string;
  /** Stream to print afterwards, until interrupted. It is opened before the call, so that nothing in between is missed. */
  readonly follow?: string;
}

/** `false` says the surface does not offer it; the reason stands beside it. */
export type Absent = { readonly absent: string };

export interface Surfaces {
  readonly cli: CliForm | Absent;
  readonly client: true | Absent;
  /** the `type` of the frame on `/ws` that does the same: from the client, or for a stream from the node */
  readonly ws: string | Absent;
  /** how an MCP tool list groups it, once MCP is served */
  readonly mcp: 'core' | 'more' | Absent;
}

/** Values by field. `$self.agent_id`, `$self.machine_id` and the same of `$peer` stand for ids, `$before.FIELD` for what the call before answered. */
export type ExampleValues = Readonly<Record<string, unknown>>;

export interface ExampleCall {
  /** name of a capability */
  readonly call: string;
  readonly input?: ExampleValues;
  /** the node itself when not given */
  readonly by?: 'self' | 'peer';
}

/** A call that a node with one linked peer answers, for whoever exercises every capability on every surface. */
export interface Example {
  /** instead of the examples of the required fields */
  readonly input?: ExampleValues;
  /** what makes it possible, in this order, each time anew */
  readonly before?: readonly ExampleCall[];
  /** fields of its frame on a socket, where they are not those of the input */
  readonly frame?: ExampleValues;
  /** of a stream: the call that makes an event come, or the peer starts again */
  readonly trigger?: ExampleCall | 'peer-restart';
}

export interface Capability<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
  Events extends Record<string, z.ZodType> = Record<string, z.ZodType>,
  S extends Shape = Shape,
  Frames extends Record<string, z.ZodType> = Record<string, z.ZodType>,
> {
  /** `<family>.<verb>`, unique */
  readonly name: string;
  readonly family: string;
  readonly summary: string;
  readonly method: Method;
  /** exact wire path, parameters as `:field` */
  readonly path: `/${string}`;
  /** further paths that answer the same */
  readonly aliases?: readonly `/${string}`[];
  readonly auth: Auth;
  readonly body: BodyPolicy;
  /** unknown body fields: `ignore` them or `deny` the request (422) */
  readonly unknown: 'ignore' | 'deny';
  /** Path, query and body fields in one flat object. Path fields are named in `path`; GET and DELETE take the rest from the query, others from the body, except the fields in `query`. */
  readonly input: Input;
  readonly query?: readonly string[];
  readonly output: Output;
  readonly shape: S;
  /** success statuses; the first is the usual one */
  readonly status: readonly (200 | 201 | 204 | 101)[];
  /** content type of a `text` answer */
  readonly contentType?: string;
  readonly errors: readonly ErrorCase[];
  /** JSON of its refusals: `object` = `{"ok":false,"error":…}`; `bare` = `{"error":…}` */
  readonly refusal: 'object' | 'bare';
  /** SSE: milliseconds between `: ping` comments; absent = none */
  readonly keepAliveMs?: number;
  /** SSE: event name → data. Socket: server frame `type` → frame. */
  readonly events: Events;
  /** Socket only: client frame `type` → frame. */
  readonly frames?: Frames;
  /** dotted output fields that differ between two equal calls, for surface equality */
  readonly volatile: readonly string[];
  /** nodes needed to show its effect */
  readonly nodes: number;
  readonly surfaces: Surfaces;
  /** absent: a call with the examples of its required fields is answered */
  readonly example?: Example;
}

export type InputOf<C extends Capability> = z.input<C['input']>;
export type ParsedOf<C extends Capability> = z.output<C['input']>;
export type OutputOf<C extends Capability> = z.output<C['output']>;
/** One event of a stream: `{event, data}` for each declared event. */
export type EventOf<C extends Capability> = {
  [K in keyof C['events'] & string]: { readonly event: K; readonly data: z.output<C['events'][K]> };
}[keyof C['events'] & string];

/** One frame that a client may send on a socket. */
export type FrameOf<C extends Capability> = z.input<NonNullable<C['frames']>[keyof NonNullable<C['frames']>]>;

/** What may be left out of a declaration, and what that means. */
const DEFAULTS = { unknown: 'ignore', errors: [], refusal: 'object', volatile: [], nodes: 1 } as const;
type Defaulted = keyof typeof DEFAULTS | 'family' | 'events';
type Declaration<C extends Capability> = Omit<C, Defaulted> & Partial<Pick<C, Defaulted>>;

/** Declares a capability; keeps the literal types of its schemas. */
export function capability<
  Input extends z.ZodObject,
  Output extends z.ZodType,
  const S extends Shape,
  Events extends Record<string, z.ZodType> = Record<never, never>,
  Frames extends Record<string, z.ZodType> = Record<never, never>,
>(declaration: Declaration<Capability<Input, Output, Events, S, Frames>>): Capability<Input, Output, Events, S, Frames> {
  const family = declaration.name.slice(0, declaration.name.indexOf('.'));
  return { ...DEFAULTS, family, ...declaration, events: declaration.events ?? ({} as Events) };
}

/** Names of the path parameters, in order. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
}

/**
 * A refusal with a documented status, the same on every surface.
 * REST body: `{"ok":false,"error":message,…extra}`.
 */
export class CapabilityError extends Error {
  override readonly name = 'CapabilityError';
  readonly status: number;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.extra = extra;
  }
}
