/** Many agents at work at once: they write to some others, talk in groups, and look around. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { deliveries, openStream, payloadOf, setting, subscribe } from '../nodes.ts';

/** of those that the network has */
const MOST_AGENTS = 100;
/** operations of each; `--messages` says otherwise */
const OPERATIONS = 10;
/** operations a second of all together, or fewer where answers take longer; `--rate` says otherwise */
const RATE = 25;
const GROUP = 10;
/** others that an agent writes to */
const CORRESPONDENTS = 5;
/** of 100 operations; the rest are looks */
const LETTERS = 50;
const PUBLISHES = 20;
const READY_MS = 120_000;
const ANSWER_MS = 30_000;
const ARRIVAL_MS = 60_000;
const LOOK_EVERY_MS = 100;
const PROBE_EVERY_MS = 1_000;
const LIMIT_MS = 4 * 3_600_000;

interface Agent {
  readonly node: NodeHandle;
  readonly others: Agent[];
  readonly group: Group;
  readonly heard: Set<string>;
  /** what it must hear in the end */
  expected: number;
}

interface Group {
  readonly topic: string;
  readonly members: Agent[];
}

interface Work extends AsyncDisposable {
  readonly agents: readonly Agent[];
  readonly groups: readonly Group[];
  operations: number;
}

const probeOf = (topic: string): string => `${topic}.probe`;

export const agents = (nodes: number) =>
  exercise<Work>(
    {
      'scale.agents': 'While many agents work at once, each operation is answered.',
      'scale.letters': 'While many agents work at once, each direct message that was acknowledged reaches its recipient, once.',
      'scale.groups': 'While many agents work at once, what is said in a group reaches each of its members, once.',
    },
    {
      id: 'scale/agents',
      title: `${Math.min(nodes, MOST_AGENTS)} agents write to others, talk in groups and look around`,
      needs: {
        nodes,
        capabilities: [
          'messaging.publish',
          'messaging.events',
          'direct.send',
          'direct.events',
          'direct.connect',
          'discovery.find',
          'presence.status',
          'contacts.list',
        ],
      },
      limit: LIMIT_MS,
      phases: {
        async setup(context) {
          const work = await assembled(context);
          await acquainted(context, work);
          return work;
        },
        async drive(context, work) {
          const { clock, random, signal } = context;
          const each = setting(context, 'messages', OPERATIONS, 1);
          const plans = work.agents.map(({ others }) =>
            Array.from({ length: each }, (): Turn => [random.integer(100), random.integer(others.length)]),
          );
          // Each in its time: all at once, and again as soon as they are answered, would measure how a machine behaves that is overrun.
          const begun = clock.monotonic();
          const pause = (work.agents.length * 1_000) / setting(context, 'rate', RATE, 1);
          await Promise.all(
            work.agents.map(async (agent, index) => {
              const offset = (index / work.agents.length) * pause;
              for (const [turn, drawn] of plans[index]!.entries()) {
                await clock.sleep(Math.max(0, begun + offset + turn * pause - clock.monotonic()), signal);
                await act(agent, turn + 1, drawn);
              }
            }),
          );
          work.operations = each * work.agents.length;
          const arrived = async (): Promise<boolean> => {
            await clock.sleep(LOOK_EVERY_MS, signal);
            return work.agents.every(({ heard, expected }) => heard.size >= expected);
          };
          await context.eventually('everything has arrived', arrived, ARRIVAL_MS);
        },
        async eventually({ claim }, { agents: all, groups, operations }) {
          const processes = all.map(({ node }) => node.name);
          const letters = { op: 'direct.send', processes };
          const topics = groups.map(({ topic }) => topic);
          const published = { op: 'messaging.publish', processes, where: [{ at: '/input/topic', in: topics }] };
          const looks = LOOKS.map((op) => ({ operations: { op, processes } }));
          const done = claims.countersAgree([{ operations: letters }, { operations: published }, ...looks], [{ number: operations }]);
          claim('answered', 'scale.agents', 'MUST', done);
          const once = claims.deliveredExactlyOnce({
            sends: letters,
            key: '/input/payload',
            receivers: { at: '/input/agent_id' },
            receipts: { nodes: processes, stream: 'direct.events', event: 'direct_message' },
            receiptKey: '/payload',
            receiptSender: '/sender',
          });
          claim('letters', 'scale.letters', 'MUST', once);
          for (const [index, { topic, members }] of groups.entries()) {
            const names = members.map(({ node }) => node.name);
            const heard = claims.deliveredExactlyOnce({
              sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] },
              key: '/input/payload',
              receivers: { nodes: names },
              receipts: deliveries(topic),
              receiptKey: '/data/payload',
              receiptSender: '/data/sender',
            });
            claim(`groups/${index + 1}`, 'scale.groups', 'MUST', heard, { title: names.join(', ') });
          }
        },
        async finally(_, work) {
          await work[Symbol.asyncDispose]();
        },
      },
    },
  );

/** Agents in groups of ten, each listening to its group and to what is written to it. */
async function assembled(context: ScenarioContext): Promise<Work> {
  const nodes = context.nodes.slice(0, MOST_AGENTS);
  const groups: Group[] = [];
  const all: Agent[] = [];
  await using stack = new AsyncDisposableStack();
  for (const [index, node] of nodes.entries()) {
    const number = Math.floor(index / GROUP);
    const group = (groups[number] ??= { topic: context.topic(`group-${number + 1}`), members: [] });
    const agent: Agent = { node, others: [], group, heard: new Set(), expected: 0 };
    group.members.push(agent);
    all.push(agent);
  }
  // Group by group: all at once would keep a busy machine from answering any.
  for (const { members } of groups) await Promise.all(members.map((agent) => listens(context, agent, stack)));
  // Round the table: everybody writes to as many, and is written to by as many.
  const count = Math.min(CORRESPONDENTS, all.length - 1);
  const stride = Math.max(1, Math.floor((all.length - 1) / count));
  for (const [index, { others }] of all.entries()) for (let step = 1; step <= count; step++) others.push(all[(index + step * stride) % all.length]!);
  const owned = stack.move();
  return { agents: all, groups, operations: 0, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function listens(context: ScenarioContext, { node, group, heard }: Agent, stack: AsyncDisposableStack): Promise<void> {
  stack.use(await openStream(context, node, 'messaging.events', ({ event, data }) => {
    if (event === 'message' && data.data.topic.startsWith(group.topic)) heard.add(data.data.payload);
  })); // prettier-ignore
  stack.use(await openStream(context, node, 'direct.events', ({ data }) => void heard.add(data.payload)));
  for (const topic of [group.topic, probeOf(group.topic)]) stack.use(await subscribe(context, node, topic, { timeout: ANSWER_MS }));
}

/** Waits until everybody has found those it will write to, and each group hears its members. Looks are not recorded. */
async function acquainted({ clock, eventually, need, signal }: ScenarioContext, { agents: all, groups }: Work): Promise<void> {
  await Promise.all(
    all.map(({ node, others }) =>
      eventually(
        `${node.name} has found whom it will write to`,
        async () => {
          if (await foundAll(node, others, signal)) return true;
          // To look for somebody who is not known yet is work for many others.
          await clock.sleep(PROBE_EVERY_MS, signal);
          return false;
        },
        READY_MS,
      ),
    ),
  );
  let count = 0;
  const tuned = async (): Promise<boolean> => {
    const probe = payloadOf(`probe ${++count}`);
    for (const { topic, members } of groups)
      await need(members[0]!.node.rest('messaging.publish', { topic: probeOf(topic), payload: probe }), 'a probe is taken');
    await clock.sleep(PROBE_EVERY_MS, signal);
    return all.every(({ heard }) => heard.has(probe));
  };
  await eventually('groups hear their members', tuned, READY_MS);
  for (const { heard } of all) heard.clear();
}

async function foundAll({ client }: NodeHandle, others: readonly Agent[], signal: AbortSignal): Promise<boolean> {
  for (const { node } of others) {
    const answer = await client.discovery.find({ agent_id: node.agentId }, { signal }).catch(() => undefined);
    if (answer?.found !== true) return false;
  }
  return true;
}

const LOOKS = ['presence.status', 'status.health', 'contacts.list'] as const;

/** What an agent does in a turn: of which kind, and to which of those that it writes to. Drawn beforehand, so that the seed repeats it. */
type Turn = readonly [kind: number, other: number];

async function act(agent: Agent, turn: number, [kind, index]: Turn): Promise<void> {
  const { node, others, group } = agent;
  const other = others[index]!;
  const payload = payloadOf(`${node.name}, turn ${turn}`);
  const options = { timeout: ANSWER_MS };
  if (kind < LETTERS) {
    const { outcome } = await node.rest('direct.send', { agent_id: other.node.agentId, payload }, options);
    if (outcome === 'ok') other.expected++;
    return;
  }
  if (kind < LETTERS + PUBLISHES) {
    const { outcome } = await node.rest('messaging.publish', { topic: group.topic, payload }, options);
    if (outcome === 'ok') for (const member of group.members) member.expected++;
    return;
  }
  const look = LOOKS[turn % LOOKS.length]!;
  if (look === 'presence.status') await node.rest(look, { id: other.node.agentId }, options);
  else await node.rest(look, {}, options);
}
