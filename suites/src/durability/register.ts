/** The trust level of one contact as a register: clients on two surfaces set and read it at once, and the node is killed in the middle. */
import { type NodeHandle, type Operation, type Outcome, scenario, type ScenarioContext, type SeededRandom } from '@muster/lab';
import { type Action, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { required } from './requirements.ts';

const CLIENTS = 6;
/** operations of each client */
const EACH = 80;
const HALF = (CLIENTS * EACH) / 2;
/** ms between two operations of a client, at most */
const THINK_MS = 2;
/** ms until a client tries again to reach a node that is not there */
const AGAIN_MS = 50;
/** operations that were answered and had begun while others were on their way, for their order to be a question */
const LEAST_OVERLAPPING = CLIENTS * 10;

const LEVELS = ['unknown', 'known', 'trusted', 'blocked'] as const;
/** more that look than that change: what two set at once may come in either order, and hides what is wrong with either */
const KINDS = ['contacts.setTrust', 'contacts.update', 'contacts.list', 'contacts.list', 'contacts.list', 'contacts.list'] as const;
const SURFACES = ['rest', 'typed'] as const;

/** The node has no neighbours: nobody else is in its list. */
const actions: readonly Action[] = [
  { operations: { op: 'contacts.setTrust' }, does: 'write', value: '/input/level' },
  { operations: { op: 'contacts.update' }, does: 'write', value: '/input/trust_level' },
  { operations: { op: 'contacts.list' }, does: 'read', value: '/output/contacts/0/trust_level' },
];

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly surface: (typeof SURFACES)[number];
  readonly level: (typeof LEVELS)[number];
  /** ms before it */
  readonly think: number;
}

/** Drawn before anything begins, so that who is faster changes nothing of what is asked. */
function stepsOf(random: SeededRandom): Step[] {
  return Array.from({ length: EACH }, () => ({
    kind: random.pick(KINDS),
    surface: random.pick(SURFACES),
    level: random.pick(LEVELS),
    think: random.next() * THINK_MS,
  }));
}

/** Clients of one node, and what came of their operations. */
class Clients {
  readonly #node: NodeHandle;
  readonly #agent: string;
  #underway = 0;
  overlapping = 0;
  readonly outcomes: Record<Outcome, number> = { ok: 0, fail: 0, info: 0 };
  readonly #half = Promise.withResolvers<void>();

  constructor(node: NodeHandle, agent: string) {
    this.#node = node;
    this.#agent = agent;
  }

  /** once half of all is answered */
  get half(): Promise<void> {
    return this.#half.promise;
  }

  async run({ clock, signal }: ScenarioContext, steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await clock.sleep(step.think);
      // What never reached the node is asked again: it is down.
      for (;;) {
        const { outcome, status } = await this.#counted(step);
        if (signal.aborted || outcome !== 'fail' || status !== undefined) break;
        await clock.sleep(AGAIN_MS);
      }
    }
  }

  async #counted(step: Step): Promise<Operation> {
    const among = this.#underway++ > 0;
    const operation = await this.#operation(step);
    this.#underway--;
    this.outcomes[operation.outcome]++;
    // What the node never answered, as while it was down, raises no question of order.
    if (among && operation.outcome === 'ok') this.overlapping++;
    if (this.outcomes.ok >= HALF) this.#half.resolve();
    return operation;
  }

  #operation({ kind, surface, level }: Step): Promise<Operation> {
    const [node, agent_id] = [this.#node, this.#agent];
    switch (kind) {
      case 'contacts.setTrust':
        return node[surface](kind, { agent_id, level });
      case 'contacts.update':
        return node[surface](kind, { agent_id, trust_level: level });
      case 'contacts.list':
        return node[surface](kind);
    }
  }
}

export const contactIsRegister = scenario({
  id: 'durability/register',
  title: 'many set and read one trust level at once, through kill -9: one order explains all that they were answered',
  requirements: [required.register.id],
  needs: { nodes: 1, powers: ['kill'], capabilities: ['contacts.setTrust', 'contacts.update', 'contacts.list'] },
  phases: {
    async drive(context) {
      const { claim, faults, random, record } = context;
      const [node] = context.nodes as readonly [NodeHandle];
      const clients = new Clients(node, toHex(random.bytes(32)));
      const plans = Array.from({ length: CLIENTS }, () => stepsOf(random));
      const done = Promise.all(plans.map((steps) => clients.run(context, steps)));
      await Promise.race([clients.half, done]);
      const fault = await faults.kill(node);
      await fault.heal();
      await done;
      const { seq } = record.observe('lab', 'register', 'operations', { ...clients.outcomes, overlapping: clients.overlapping });
      claim('answered', required.register.id, 'MUST', claims.atLeast({ seq, at: '/data/ok' }, HALF, 'operations'), {
        title: 'half of the operations are answered',
        blame: 'harness',
      });
      claim('one-order', required.register.id, 'MUST', claims.linearizable(actions), {
        title: 'one order of what was set and read explains every answer',
        premise: claims.atLeast({ seq, at: '/data/overlapping' }, LEAST_OVERLAPPING),
        needsFaults: [fault],
      });
    },
  },
});
