import { type Capability, cliForm, exampleInput, inputFields } from '@muster/contract';
import { type NodeHandle, scenario, type ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { namesProblem, type RefusedInput, refusedInputs } from '../input/cases.ts';
import { twoOf } from '../nodes.ts';
import { type Call, callsOf, frameType, socketFor } from './plan.ts';
import { required } from './requirements.ts';
import { SocketCalls } from './socket.ts';

/** a command for each capability */
const LIMIT_MS = 180_000;
/** commands at once: each is a process */
const AT_ONCE = 2;
/** exit code of a command that was refused */
const REFUSED = 1;
const ID = /^[0-9a-f]{64}$/u;
const { refusals } = required;

type Spelt = RefusedInput & { readonly input: Readonly<Record<string, unknown>> };

export const sameRefusals = scenario({
  id: 'surfaces/refusals',
  title: 'what is refused on one surface is refused on all, for the same reason',
  requirements: [refusals.id],
  needs: { nodes: 2, surfaces: ['cli', 'client', 'ws'] },
  limit: LIMIT_MS,
  phases: {
    async drive(context) {
      const [self] = twoOf(context);
      const calls = callsOf(context);
      const spelt = refusedInputs(context.capabilities).filter((each): each is Spelt => each.input !== undefined);
      const bad = calls.flatMap((call) => {
        const cases = spelt.filter(({ capability, cli }) => capability === call.name && (cli !== undefined || !cliForm(call)));
        return cases.length === 0 ? [] : [{ call, each: context.random.pick(cases) }];
      });
      // One of the two by command: each is a process.
      const byCommand = new Map(bad.map(({ call, each }) => [call, each.cli !== undefined && (!hasIds(call) || context.random.integer(2) === 0)]));
      const work = [
        ...bad.map(({ call, each }) => badInput.bind(undefined, context, self, call, each, byCommand.get(call) === true)),
        ...calls.filter(hasIds).map((call) => strangers.bind(undefined, context, self, call, byCommand.get(call) !== true)),
      ].values();
      const worker = async (): Promise<void> => {
        for (const each of work) await each();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      for (const call of calls) await onSocket(context, self, call, spelt);
    },
  },
});

async function badInput({ claim }: ScenarioContext, node: NodeHandle, call: Call, each: Spelt, byCommand: boolean): Promise<void> {
  const { request, title, expect, input, cli } = each;
  const check = `${call.name}-${expect.status}`;
  const rest = await node.raw(call.name, request);
  claim(`${check}/rest`, refusals.id, 'MUST', claims.status(rest, expect.status), { title });
  if (call.surfaces.client === true)
    claim(`${check}/client`, refusals.id, 'MUST', claims.sameAnswer(rest, await node.typed(call.name, input as never)), { title });
  if (!byCommand || !cli) return;
  const said = await node.command(call.name, cli);
  // What is missing on a command line is an argument there: it says so in its own words, and names the field.
  const same = title.endsWith(' missing') ? namesProblem(said, each) : claims.sameAnswer(rest, said);
  claim(`${check}/cli-status`, refusals.id, 'MUST', claims.status(said, REFUSED), { title });
  claim(`${check}/cli`, refusals.id, 'MUST', same, { title });
}

const idsOf = (call: Capability) => inputFields(call).filter(({ example, required: needed }) => needed && ID.test(String(example)));
const hasIds = (call: Call): boolean => idsOf(call).length > 0;

/** About somebody that nobody knows: refused or not, it is the same everywhere. */
async function strangers({ claim, random }: ScenarioContext, node: NodeHandle, call: Call, byCommand: boolean): Promise<void> {
  const nobody = Object.fromEntries(idsOf(call).map(({ name }) => [name, toHex(random.bytes(32))]));
  const input = { ...exampleInput(call), ...nobody };
  const rest = await node.rest(call.name, input as never);
  if (call.surfaces.client === true) {
    const typed = await node.typed(call.name, input as never);
    claim(`${call.name}-stranger/client`, refusals.id, 'MUST', claims.sameAnswer(rest, typed, call.volatile));
  }
  if (!byCommand || !cliForm(call)) return;
  const said = await node.cli(call.name, input as never);
  claim(`${call.name}-stranger/cli`, refusals.id, 'MUST', claims.sameAnswer(rest, said, call.volatile));
}

/** Whether the field that is wrong is one that the frame has. */
function isSaid({ frames = {} }: Capability, type: string, { expect }: Spelt): boolean {
  return Object.hasOwn((frames[type] as unknown as { readonly shape: object }).shape, expect.mentions);
}

/** A socket has words of its own for some of it, but it refuses the same, and names the field. */
async function onSocket(context: ScenarioContext, node: NodeHandle, call: Call, spelt: readonly Spelt[]): Promise<void> {
  const { claim, random } = context;
  const type = frameType(call);
  const socket = type === undefined || call.example?.frame ? undefined : socketFor(context, type);
  if (type === undefined || !socket) return;
  const { title, input, expect } = random.pick(spelt.filter((each) => each.capability === call.name && isSaid(socket, type, each)));
  await using frames = await SocketCalls.open(context, node, socket);
  const refused = await frames.call(call.name, { type, ...input });
  claim(`${call.name}-ws/refused`, refusals.id, 'MUST', claims.outcome(refused, 'fail'), { title });
  claim(`${call.name}-ws/named`, refusals.id, 'MUST', claims.includes(at(refused, '/output/error'), expect.mentions), { title });
}
