/** Finds the capability for a method and a request target. */
import type { AnyRegistry, Capability } from '@muster/contract';
import { pathFields } from '@muster/contract';
import findMyWay from 'find-my-way';

export interface Route {
  readonly name: string;
  readonly capability: Capability;
  /** path fields in the order of their place in the path */
  readonly fields: readonly string[];
}

export interface Match {
  /** the capability for this method; `undefined`: the path exists, the method does not (405) */
  readonly route: Route | undefined;
  /** values of the path's parameters, decoded, in order */
  readonly values: readonly string[];
  /** for the `Allow` header */
  readonly allow: string;
  readonly open: boolean;
  /** whether `?token=` counts */
  readonly queryToken: boolean;
}

/** `undefined`: no such path. `bad`: the path is not percent-encoded UTF-8. */
export type Find = (method: string, path: string) => Match | 'bad' | undefined;

/**
 * A path is found first, whatever the method, then the method. Parameters may be of any length (the handler judges them)
 * but not empty. HEAD is answered wherever GET is.
 */
export function routeTable(registry: AnyRegistry, longest: number): Find {
  const paths = new Map<string, Map<string, Route>>();
  for (const [name, capability] of Object.entries(registry)) {
    for (const path of [capability.path, ...(capability.aliases ?? [])]) {
      // Capabilities of one path may name its parameter differently; the tree must not see that.
      let position = 0;
      const shape = path.replace(/:\w+/g, () => `:p${position++}`);
      const methods = paths.get(shape) ?? new Map<string, Route>();
      paths.set(shape, methods);
      if (methods.has(capability.method))
        throw new Error(`two capabilities claim ${capability.method} ${path}: ${methods.get(capability.method)!.name}, ${name}`);
      methods.set(capability.method, { name, capability, fields: pathFields(path) });
    }
  }
  const tree = findMyWay({ maxParamLength: longest });
  for (const [path, methods] of paths) tree.on('GET', path, unused, { methods });

  return (method, path) => {
    try {
      decodeURIComponent(path);
    } catch {
      return 'bad';
    }
    const found = tree.find('GET', path);
    if (found === null) return undefined;
    const values = Object.values(found.params).map(String);
    if (values.includes('')) return undefined;
    return match((found.store as { methods: Map<string, Route> }).methods, method, values);
  };
}

function match(methods: ReadonlyMap<string, Route>, method: string, values: readonly string[]): Match {
  const route = methods.get(method === 'HEAD' ? 'GET' : method);
  // A method that the path does not offer is judged by the path, so that it gets its 405.
  const candidates = route ? [route] : [...methods.values()];
  return {
    route,
    values,
    allow: [...methods.keys()].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name])).join(','),
    open: candidates.some(({ capability }) => capability.auth === 'open'),
    queryToken: candidates.some(({ capability }) => capability.auth === 'query'),
  };
}

function unused(): never {
  throw new Error('the tree is only searched');
}
