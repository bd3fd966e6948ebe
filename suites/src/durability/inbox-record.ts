import type { NodeHandle, ScenarioContext } from '@muster/lab';
import type { Observations } from '@muster/proof';

const PAGE = 1000;

/** Reads the whole inbox of a node and records one observation for each message that stands in it. */
export async function recordInbox({ record, need }: ScenarioContext, node: NodeHandle): Promise<void> {
  let after: string | undefined;
  do {
    const page = await need(node.rest('direct.inbox', { limit: PAGE, ...(after !== undefined && { after }) }), 'the inbox can be read');
    for (const message of page.messages) record.observe(node.name, 'inbox', 'message', message);
    after = page.messages.length === PAGE ? (page.next ?? undefined) : undefined;
  } while (after !== undefined);
}

/** What `recordInbox` has recorded for a node. */
export function inInbox(node: NodeHandle): Observations {
  return { nodes: [node.name], stream: 'inbox', event: 'message' };
}
