/** Our own node, as many as fit into memory, on virtual time. */
import type { Link } from '../faults/link-path.ts';
import type { Beside, NodesBeside, TargetNode } from '../record/target-node.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import { apiTransport } from '../sim/api-transport.ts';
import { Chance } from '../sim/chance.ts';
import { realCrypto } from '../sim/engines/real-crypto.ts';
import { lying } from '../liars/liars.ts';
import { SimulatedLinkPath } from '../sim/link-path.ts';
import { machineFaults, passing } from '../sim/machine-faults.ts';
import type { Compose, Machine } from '../sim/machine.ts';
import { LOCAL_NETWORK, type NetworkProfile } from '../sim/network/quality.ts';
import { Simulation } from '../sim/simulation.ts';
import type { TraceWindow } from '../sim/trace.ts';
import type { Wiring } from '../world/local-process.ts';
import { VERSION } from '@muster/node';
import { nodeName } from './node-names.ts';
import type { Target, WorldRequest } from './target.ts';

/** more cannot fit into memory: everybody hears of all others; a thousand at work took 4 GB */
const MAX_NODES = 1_000;
/** worlds beyond this do not find each other by themselves: each node knows some of those before it */
const NEIGHBOURHOOD = 20;
const KNOWN_BEFORE = 3;
/** ms between the starts of two nodes of a large world; and in which all of a very large one start */
const STAGGER_MS = 20;
const STARTS_MS = 4_000;
const LINKED_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** there is no socket to dial */
const NOWHERE = '127.0.0.1:0';

export interface SimulatedTargetOptions {
  readonly seed: string;
  readonly profile?: NetworkProfile;
  /** the real cryptography in place of the test scheme */
  readonly realCrypto?: boolean;
  readonly compose?: Compose;
  readonly window?: TraceWindow;
}

export interface SimulatedTarget extends Target {
  readonly simulation: Simulation;
}

/** All worlds of one run share one virtual time; their nodes never meet, as each world is ended before the next one begins. */
export function simulatedTarget({ seed, profile = LOCAL_NETWORK, realCrypto: real = false, ...rest }: SimulatedTargetOptions): SimulatedTarget {
  const simulation = new Simulation({ ...rest, seed, profile, ...(real && { crypto: realCrypto, contents: false }) });
  const { clock, schedule, trace } = simulation;
  const runId = Buffer.from(new Chance(`${seed} run`).bytes(16)).toString('hex');
  let worlds = 0;
  const open = async ({ nodes, names, liars, wiring = 'host-directory', config, human, said, signal }: WorldRequest) => {
    const chance = simulation.chance.child(`wiring ${worlds++}`);
    const machines: Machine[] = [];
    const toml = tomlOf(config, wiring);
    for (let index = 0; index < nodes; index++) {
      const name = names?.[index] ?? nodeName(index);
      const liar = liars?.[name];
      const bootstrap = bootstrapOf(wiring, machines, chance);
      machines.push(
        simulation.machine({
          name,
          config: toml,
          ...(liar && { compose: lying(liar) }),
          ...(bootstrap && { bootstrap }),
          ...(human && { human }),
          ...(said && { said: (line: string) => said(name, line) }),
        }),
      );
    }
    const begun = clock.monotonic();
    for (const machine of machines) {
      await passing(simulation, () => machine.start());
      if (nodes > NEIGHBOURHOOD) await clock.sleep(Math.min(STAGGER_MS, STARTS_MS / nodes), signal);
    }
    await linked(machines, wiring);
    return {
      nodes: machines.map((machine) => nodeOf(machine)),
      links: wiring === 'proxied' ? linksOf(machines) : [],
      logs: [],
      bootMs: clock.monotonic() - begun,
      [Symbol.asyncDispose]: async () => {
        for (const machine of machines) machine.kill();
      },
    };
  };

  function bootstrapOf(wiring: NonNullable<WorldRequest['wiring']>, before: readonly Machine[], chance: Chance): readonly Machine[] | undefined {
    if (wiring === 'bootstrap' || wiring === 'proxied') return [...before];
    if (wiring === 'line') return before.slice(-1);
    if (wiring === 'star') return before.slice(0, 1);
    return before.length >= NEIGHBOURHOOD ? chance.sample(before, KNOWN_BEFORE) : undefined;
  }

  /** Between all pairs; whoever was there later dials. */
  function linksOf(machines: readonly Machine[]): Link[] {
    return machines.flatMap((from, index) =>
      machines.slice(0, index).map((to) => ({ from: from.name, to: to.name, path: new SimulatedLinkPath(simulation.network, from, to) })),
    );
  }

  /** Nodes that do not link are handed over as they are. */
  async function linked(machines: readonly Machine[], wiring: Wiring): Promise<void> {
    const enough = Math.min(machines.length - 1, wiring === 'line' ? 1 : KNOWN_BEFORE);
    const condition = (): boolean => machines.every(({ node }) => (node?.services.links.size ?? 0) >= enough);
    try {
      await eventually(clock, condition, { within: LINKED_LIMIT_MS, every: LOOK_EVERY_MS, what: 'links' });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
    }
  }

  async function beside(host: Machine, names: readonly string[], { line, config }: Beside): Promise<NodesBeside> {
    const machines = names.map((name) =>
      simulation.machine({ name, config: tomlOf(config, line ? 'line' : 'host-directory'), ...(line && { bootstrap: [host] }) }),
    );
    for (const machine of machines) await passing(simulation, () => machine.start());
    return {
      nodes: machines.map(nodeOf),
      async [Symbol.asyncDispose]() {
        for (const machine of machines) await passing(simulation, () => machine.stop());
      },
    };
  }

  function nodeOf(machine: Machine): TargetNode {
    return {
      name: machine.name,
      address: NOWHERE,
      token: machine.token,
      faults: machineFaults(simulation, machine),
      transport: () => apiTransport(machine, schedule, trace),
      beside: (names, how) => beside(machine, names, how),
      place: { network: simulation.networkId, address: machine.address, engines: () => simulation.peerEngines() },
      get died() {
        return machine.died === undefined ? undefined : { code: 1, signal: null };
      },
    };
  }

  const scheme = real ? 'real cryptography' : 'a test scheme in place of its cryptography';
  return {
    simulation,
    implementation: `muster ${VERSION}, simulated, ${scheme}`,
    maxNodes: MAX_NODES,
    powers: ['world', 'link', 'kill', 'pause', 'restart', 'half-open', 'clock', 'disk-full', 'disk-slow', 'power', 'liars'],
    surfaces: ['rest', 'client', 'sse', 'ws'],
    simulated: {
      clock,
      runId,
      replay: real
        ? { level: 'L3', note: 'simulated world, real cryptography: the seed repeats everything that happens, but not the bytes of signatures' }
        : { level: 'L4', note: 'simulated world with a test scheme in place of cryptography: the seed repeats every bit' },
      summary: () => ({
        trace: trace.hash,
        events: trace.events,
        tasks: schedule.ran,
        virtual_ms: schedule.now,
        packets: { ...simulation.network.counts },
      }),
    },
    open,
  };
}

function tomlOf(config: WorldRequest['config'], wiring: Wiring): string {
  const keys = Object.entries({ ...config, ...((wiring === 'line' || wiring === 'proxied') && { auto_dial: false }) });
  return keys.map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join('\n');
}
