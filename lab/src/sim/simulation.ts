/** A whole network on virtual time: machines running the unmodified node, on a model of network, disks and clocks. All of it follows from the seed. */
import type { Crypto } from '@muster/node';
import type { NetworkId } from '@muster/protocol';
import type { LabClock } from '../clock.ts';
import type { PeerEngines } from '../fake-peers/peer-engines.ts';
import { Chance } from './chance.ts';
import { driverClock } from './engines/clock.ts';
import type { ClockError } from './engines/clock.ts';
import type { DiskQuality } from './engines/disk.ts';
import { Neighbourhood } from './engines/neighbours.ts';
import { testCrypto } from './engines/test-crypto.ts';
import { Ports, SimulatedTransport } from './engines/transport.ts';
import { ValuePool } from './engines/value-pool.ts';
import { Life } from './life.ts';
import { type Compose, Machine, type MachineParts } from './machine.ts';
import { Network } from './network/network.ts';
import { LOCAL_NETWORK, type NetworkProfile } from './network/quality.ts';
import { Schedule } from './schedule.ts';
import { Trace, type TraceWindow } from './trace.ts';

const NETWORK_ID_BYTES = 32;
const USER_SEED_BYTES = 32;

export interface SimulationOptions {
  readonly seed: string;
  readonly profile?: NetworkProfile;
  /** default: the test scheme */
  readonly crypto?: (chance: Chance) => Crypto;
  readonly compose?: Compose;
  /** the trace is of what bytes were sent, and not only of how many; not with real cryptography, whose signatures are never the same */
  readonly contents?: boolean;
  /** events to keep for a closer look */
  readonly window?: TraceWindow;
}

export interface MachineOptions {
  readonly name: string;
  /** machines that it dials; none: it finds all others by itself */
  readonly bootstrap?: readonly Machine[];
  /** TOML, as a daemon reads it */
  readonly config?: string;
  /** it belongs to the one human of this simulation */
  readonly human?: boolean;
  readonly clock?: ClockError;
  readonly disk?: DiskQuality;
  /** in place of that of the simulation */
  readonly compose?: Compose | undefined;
  readonly said?: MachineParts['said'];
}

export class Simulation {
  readonly trace: Trace;
  readonly schedule: Schedule;
  readonly network: Network;
  /** the true time: it passes while somebody waits */
  readonly clock: LabClock;
  readonly chance: Chance;
  readonly machines: Machine[] = [];
  readonly #options: SimulationOptions;
  readonly #ports = new Ports();
  readonly #pool = new ValuePool();
  readonly #neighbourhood: Neighbourhood;
  readonly networkId: NetworkId;
  #peers = 0;

  constructor(options: SimulationOptions) {
    const { seed, profile = LOCAL_NETWORK, window, contents = true } = options;
    this.#options = options;
    this.chance = new Chance(seed);
    this.trace = new Trace({ window, contents });
    this.schedule = new Schedule(this.trace);
    this.network = new Network(this.schedule, this.chance.child('network'), profile, this.trace);
    this.clock = driverClock(this.schedule);
    this.#neighbourhood = new Neighbourhood(this.schedule, this.chance.child('neighbourhood'));
    this.networkId = Buffer.from(this.chance.child('network id').bytes(NETWORK_ID_BYTES)).toString('hex') as NetworkId;
  }

  /** A machine that is not running yet. */
  machine({ name, bootstrap, human = false, ...rest }: MachineOptions): Machine {
    const { compose, crypto = testCrypto } = this.#options;
    const machine = new Machine({
      ...rest,
      name,
      index: this.machines.length,
      networkId: this.networkId,
      network: this.network,
      ports: this.#ports,
      pool: this.#pool,
      chance: this.chance.child(`machine ${this.machines.length}`),
      crypto,
      neighbourhood: bootstrap ? undefined : this.#neighbourhood,
      ...(human && { userSeed: this.chance.child('human').bytes(USER_SEED_BYTES) }),
      bootstrapPeers: (bootstrap ?? []).map(({ address }) => address),
      ...((rest.compose ?? compose) && { compose: rest.compose ?? compose }),
    });
    this.machines.push(machine);
    return machine;
  }

  /** For a scripted peer: a host of its own, and time that passes while it dials. */
  peerEngines(): PeerEngines {
    const { schedule, network, clock } = this;
    const ports = this.#ports;
    const chance = this.chance.child(`peer ${this.#peers++}`);
    const host = network.host();
    const life = new Life(schedule, -host.index, (error) => {
      throw error;
    });
    const crypto = (this.#options.crypto ?? testCrypto)(chance.child('crypto'));
    return {
      crypto,
      clock,
      bind: `${host.ip}:0`,
      transport: ({ publicKey: machineKey }) => {
        const transport = new SimulatedTransport({ network, ports, life, host, machineKey, crypto, chance: chance.child('transport') });
        return {
          listen: (address, onChannel) => transport.listen(address, onChannel),
          async dial(...where) {
            using _wait = schedule.wait();
            return await transport.dial(...where);
          },
        };
      },
    };
  }

  /** Ends all that runs, at once. */
  end(): void {
    for (const machine of this.machines) machine.kill();
  }
}
