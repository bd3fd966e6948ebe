/** What a target says that it can do: by its own description of its API, else what every compatible daemon does. */
import { type CapabilityName, registry } from '@muster/contract';
import type { NodeHandle } from '../record/node-handle.ts';
import type { Operation } from '../record/recorder.ts';

/** Our own additions beside the compatible API: never assumed of a daemon that does not declare them. */
const ADDITIONS: ReadonlySet<string> = new Set<CapabilityName>([
  'status.openapi',
  'status.metrics',
  'identity.sign',
  'identity.verify',
  'direct.inbox',
]);

export interface Declared {
  readonly capabilities: readonly CapabilityName[];
  /** `description`: from `/openapi.json`; `assumed`: it serves none */
  readonly source: 'description' | 'assumed';
}

export async function declaredCapabilities(node: NodeHandle): Promise<Declared> {
  const names = Object.keys(registry) as CapabilityName[];
  const described = routesOf((await node.rest('status.openapi')).output);
  if (!described) return { capabilities: names.filter((name) => !ADDITIONS.has(name)), source: 'assumed' };
  const isDescribed = (name: CapabilityName): boolean => {
    const { method, path, aliases = [] } = registry[name] as { method: string; path: string; aliases?: readonly string[] };
    return [path, ...aliases].some((route) => described.has(`${method} ${anonymous(route)}`));
  };
  return { capabilities: names.filter(isDescribed), source: 'description' };
}

/** `METHOD /path/:` for each operation; undefined when this is no OpenAPI description. */
function routesOf(document: unknown): Set<string> | undefined {
  if (typeof document !== 'object' || document === null || !('openapi' in document) || !('paths' in document)) return undefined;
  const { paths } = document;
  if (typeof paths !== 'object' || paths === null) return undefined;
  const routes = new Set<string>();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of Object.keys((item as object | null) ?? {})) routes.add(`${method.toUpperCase()} ${anonymous(path)}`);
  }
  return routes;
}

/** Parameters are places, whatever they are called. */
function anonymous(path: string): string {
  return path.replaceAll(/:\w+|\{\w+\}/g, ':');
}

/** Asks for something that no node can know. A target that does not refuse it cannot be trusted in anything else. */
export function canary(node: NodeHandle, nonce: string): Promise<Operation> {
  return node.raw('canary', { method: 'GET', target: `/no-such-thing-${nonce}` });
}

export const CANARY_STATUSES = [404, 405] as const;
