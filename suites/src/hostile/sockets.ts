import { type NodeHandle, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { SocketCalls } from '../surfaces/socket.ts';
import { socketsOf } from '../surfaces/plan.ts';
import { required } from './requirements.ts';
import { unharmed } from './unharmed.ts';

const END_MS = 5_000;
const MIB = 1_048_576;

const FRAMES: Readonly<Record<string, string>> = {
  'too-long': JSON.stringify({ type: 'publish', topic: 't', payload: 'a'.repeat(2 * MIB) }),
  'too-deep': `{"type":"subscribe","topics":${'['.repeat(500_000)}`,
  'too-many-topics': JSON.stringify({ type: 'subscribe', topics: Array.from({ length: 50_000 }, (_, i) => `t${i}`) }),
  'a-long-topic': JSON.stringify({ type: 'subscribe', topics: ['t'.repeat(100_000)] }),
  'no-json': '\u0000'.repeat(10_000),
  'a-list': '[]',
  'a-prototype': '{"type":"__proto__"}',
  'a-constructor': '{"type":"constructor"}',
};

export const sockets = scenario({
  id: 'hostile/sockets',
  title: 'frames on a socket that are too long, too deep or too many',
  requirements: [required.sockets.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 1, powers: ['dial'], surfaces: ['ws'], capabilities: ['status.metrics', 'websocket.sessions'] },
  phases: {
    async drive(context) {
      const node = context.nodes[0]!;
      await unharmed(context, node, async () => {
        for (const socket of socketsOf(context))
          for (const [name, text] of Object.entries(FRAMES))
            await said(context, node, socket.name, name, await SocketCalls.open(context, node, socket), text);
      });
      const { eventually, claim } = context;
      await eventually('the sockets are gone', async () => (await node.client.websocket.sessions()).sessions.length === 0, END_MS);
      const sessions = await node.rest('websocket.sessions');
      claim('gone', required.sockets.id, 'MUST', claims.equals({ op: sessions.id, at: '/output/sessions' }, { value: [] }), {
        title: 'no socket is left behind',
      });
    },
  },
});

async function said(context: ScenarioContext, node: NodeHandle, socket: string, name: string, opened: SocketCalls, text: string): Promise<void> {
  await using calls = opened;
  const { claim, eventually, record } = context;
  calls.sendText(text);
  const ends = () => calls.frames.ended !== undefined || calls.frames.events.some(({ event }) => event.type === 'error');
  const { held } = await eventually(`an end to ${name}`, ends, END_MS);
  const closed = calls.frames.ended !== undefined;
  const { seq } = record.observe(node.name, 'sockets', name, { socket, outcome: held ? (closed ? 'closed' : 'refused') : 'nothing' });
  claim(`${socket}/${name}`, required.sockets.id, 'MUST', claims.oneOf({ seq, at: '/data/outcome' }, ['closed', 'refused']));
}
