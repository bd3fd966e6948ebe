/** Daemons that the lab boots itself: ours, or any that takes the compatible flags. */
import type { Surface } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { driftClock, fillDisk, skewClock, slowDisk } from '../faults/daemon-faults.ts';
import { refusal } from '../faults/fault-injector.ts';
import { kill, pause, restart } from '../faults/process-faults.ts';
import type { CliCommand, NodeFaults, TargetNode } from '../record/target-node.ts';
import { PREPARED } from '../world/breakable.ts';
import type { DaemonCommand } from '../world/daemon-command.ts';
import type { LocalNode } from '../world/local-node.ts';
import { type LocalWorld, startLocalWorld } from '../world/local-process.ts';
import { nodeName } from './node-names.ts';
import { LARGE } from './settled.ts';
import type { Power, Target } from './target.ts';

export interface LocalTargetOptions {
  readonly command: DaemonCommand;
  /** by name, for nodes that run something else */
  readonly commands?: Readonly<Record<string, DaemonCommand>>;
  /** the command line tool that goes with the daemons, where there is one */
  readonly cli?: Pick<CliCommand, 'command' | 'args'>;
  /** the same daemon, many in one process, where there is such a program; takes `NAME=CONFIG` for each */
  readonly crowd?: DaemonCommand;
  readonly clock?: LabClock;
  readonly bootLimit?: number;
}

/** More daemons than this do not fit on one host: each in a process of its own, and many in one. */
const MAX_PROCESSES = 64;
const MAX_LOCAL_NODES = 128;
/** nodes of a larger world share processes, so many each, and know some others only */
const SHARING = 16;

export function localTarget({ command, commands, cli, crowd, clock, bootLimit }: LocalTargetOptions): Target {
  const surfaces: Surface[] = ['rest', 'client', 'sse', 'ws', ...(cli ? (['cli'] as const) : [])];
  return {
    implementation: command.implementation,
    maxNodes: crowd ? MAX_LOCAL_NODES : MAX_PROCESSES,
    powers: ['world', 'dial', 'link', 'process', ...(crowd ? (['crowd'] as const) : []), 'kill', 'pause', 'restart', 'half-open', ...PREPARED],
    surfaces,
    async open({ nodes, names: given, wiring, crowd: asked, config, human, uses = [], said, signal }) {
      const large = nodes > LARGE;
      const size = asked ?? (large ? SHARING : undefined);
      const names = given ?? Array.from({ length: nodes }, (_, index) => nodeName(index));
      const world = await startLocalWorld({
        command,
        ...(commands && { commands }),
        nodes: names,
        ...(crowd && size !== undefined && { crowd: { command: crowd, size } }),
        ...(large && (wiring ?? 'host-directory') === 'host-directory' ? { wiring: 'few' } : wiring && { wiring }),
        // A few may speak of themselves every five seconds; of many, nobody would do anything but listen to that.
        ...(large ? { config: { heartbeat_interval_secs: 300, presence_beacon_interval_secs: 100, ...config } } : config && { config }),
        ...(human && { human }),
        uses,
        said,
        ...(signal && { signal }),
        ...(clock && { clock }),
        ...(bootLimit !== undefined && { bootLimit }),
      });
      return {
        nodes: world.nodes.map((node) => localTargetNode(node, world.lacks, cli && { ...cli, env: { ...node.environment } })),
        links: world.links,
        lacks: world.lacks,
        bootMs: world.bootMs,
        // Those that share a process share its output.
        logs: world.nodes.filter((node) => node.process.log.path === node.home.log).map((node) => ({ node: node.name, path: node.home.log })),
        [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
      };
    },
  };
}

function localTargetNode(node: LocalNode, lacks: LocalWorld['lacks'], cli: CliCommand | undefined): TargetNode {
  return {
    name: node.name,
    cli,
    local: node,
    faults: faultsOf(node, lacks),
    get address() {
      return node.address;
    },
    get token() {
      return node.token;
    },
    get died() {
      return node.died;
    },
  };
}

function faultsOf(node: LocalNode, lacks: LocalWorld['lacks']): NodeFaults {
  const { name, disks, preload } = node;
  const cannot = (kind: string, power: Power) => refusal(kind, name, lacks.get(power) ?? `${name} was not started for it`);
  return {
    kill: () => kill(node),
    pause: () => pause(node),
    restart: () => restart(node),
    losePower: () => refusal('power-loss', name, 'what is not synced cannot be taken from a process of this machine; --world sim can'),
    skewClock: (ms) => (preload && !lacks.has('clock') ? skewClock(node, preload, ms) : cannot('clock-skew', 'clock')),
    driftClock: (ppm) => (preload && !lacks.has('clock') ? driftClock(node, preload, ppm) : cannot('clock-drift', 'clock')),
    fillDisk: () => (disks && !lacks.has('disk-full') ? fillDisk(node, disks) : cannot('disk-full', 'disk-full')),
    slowDisk: (ms) => (preload && !lacks.has('disk-slow') ? slowDisk(node, preload, ms) : cannot('disk-slow', 'disk-slow')),
  };
}
