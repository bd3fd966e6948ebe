/** A target whose worlds outlive the runs that asked for them: what asks for the same again gets the same nodes. */
import type { Target, TargetWorld, WorldRequest } from './target.ts';

/** Nodes that died are not handed out again. All end when this is disposed. */
export function lasting(target: Target): Target & AsyncDisposable {
  const worlds = new Map<string, TargetWorld>();
  return {
    ...target,
    async open(request: WorldRequest): Promise<TargetWorld> {
      const { signal: _, ...asked } = request;
      const key = JSON.stringify(asked);
      let world = worlds.get(key);
      if (world?.nodes.some(({ died }) => died)) {
        worlds.delete(key);
        await world[Symbol.asyncDispose]();
        world = undefined;
      }
      world ??= await target.open(request);
      worlds.set(key, world);
      const { nodes, links, logs, bootMs } = world;
      return { nodes, links, logs, ...(bootMs !== undefined && { bootMs }), [Symbol.asyncDispose]: async () => {} };
    },
    async [Symbol.asyncDispose]() {
      for (const world of worlds.values()) await world[Symbol.asyncDispose]();
      worlds.clear();
    },
  };
}
