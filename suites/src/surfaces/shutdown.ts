import { type NodeHandle, type Operation, scenario, type ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { required } from './requirements.ts';

/** ms after its answer in which an asked node must have ended, and what the lab may be late */
const END_LIMIT_MS = 2_000;
const GRACE_MS = 1_000;
const { shutdown, complete } = required;

const ASKED: Readonly<Record<string, (node: NodeHandle) => Promise<Operation>>> = {
  rest: (node) => node.rest('status.shutdown'),
  cli: (node) => node.cli('status.shutdown'),
  client: (node) => node.typed('status.shutdown'),
};

export const shutdownEverywhere = scenario({
  id: 'surfaces/shutdown',
  title: 'a node stops when it is asked to, whatever it is asked by',
  requirements: [shutdown.id, complete.id],
  needs: {
    nodes: Object.keys(ASKED).length,
    powers: ['world'],
    surfaces: ['cli', 'client'],
    capabilities: ['status.shutdown'],
    exclusive: 'its nodes are stopped for good',
  },
  phases: {
    async drive(context) {
      const { claim, nodes } = context;
      const answers: Operation[] = [];
      for (const [index, [surface, ask]] of Object.entries(ASKED).entries()) answers.push(await ends(context, nodes[index]!, surface, ask));
      const [first, ...others] = answers;
      for (const [index, other] of others.entries()) claim(`alike-${index + 1}`, shutdown.id, 'MUST', claims.sameAnswer(first!, other));
      const operations = Object.keys(ASKED).map((surface) => ({ op: 'status.shutdown', surface }));
      claim('complete', complete.id, 'MUST', claims.answered(operations));
    },
  },
});

async function ends(
  { claim, record, clock }: ScenarioContext,
  node: NodeHandle,
  surface: string,
  ask: (node: NodeHandle) => Promise<Operation>,
): Promise<Operation> {
  const { local } = node.target;
  if (!local) throw new Error(`${node.name} is no process of this lab`);
  local.expectEnd();
  const answer = await ask(node);
  const begun = clock.monotonic();
  const patience = new AbortController();
  const exit = await Promise.race([local.process.ended, clock.sleep(END_LIMIT_MS + GRACE_MS, patience.signal)]);
  patience.abort();
  const { seq } = record.observe(node.name, 'process', 'exit', { code: exit?.code ?? null, ms: Math.round(clock.monotonic() - begun) });
  claim(`${surface}/answer`, shutdown.id, 'MUST', claims.equals(at(answer, '/output/message'), 'shutting down'));
  claim(`${surface}/exit`, shutdown.id, 'MUST', claims.equals({ seq, at: '/data/code' }, 0), { title: 'its process ends in order' });
  claim(`${surface}/soon`, shutdown.id, 'MUST', claims.atMost({ seq, at: '/data/ms' }, END_LIMIT_MS + GRACE_MS, 'ms'));
  return answer;
}
