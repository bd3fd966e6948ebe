/** A node that listens to a topic, and what it has heard there. */
import type { NodeHandle, ScenarioContext, Waited } from '@muster/lab';
import { type Claim, claims } from '@muster/proof';
import { deliveries, openStream, payloadOf } from '../nodes.ts';

export interface Listener {
  /** waits until the text was heard; see `heardOnce` for a claim */
  heard(text: string, within: number): Promise<Waited<true>>;
}

/** Subscribes a node to a topic and follows what it delivers. */
export async function listen(context: ScenarioContext, node: NodeHandle, topic: string): Promise<Listener> {
  const following = await openStream(context, node, 'messaging.events');
  await context.need(node.rest('messaging.subscribe', { topic }), `${node.name} can subscribe`);
  return {
    heard(text, within) {
      const payload = payloadOf(text);
      const isThere = (): boolean =>
        following.events.some(({ event: { event, data } }) => event === 'message' && data.data.topic === topic && data.data.payload === payload);
      return context.eventually(`${node.name} hears "${text}"`, isThere, within);
    },
  };
}

export async function publish({ need }: ScenarioContext, node: NodeHandle, topic: string, text: string): Promise<void> {
  await need(node.rest('messaging.publish', { topic, payload: payloadOf(text) }), `${node.name} can publish`);
}

/** The node delivered the text on the topic exactly once. */
export function heardOnce(node: NodeHandle, topic: string, text: string): Claim {
  return claims.occurs(deliveries(topic, { nodes: [node], payload: payloadOf(text) }), { atLeast: 1, atMost: 1 });
}
