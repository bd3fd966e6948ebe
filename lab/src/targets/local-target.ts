/** Daemons that the lab boots itself: ours, or any that takes the compatible flags. */
import type { Surface } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import type { CliCommand, TargetNode } from '../record/target-node.ts';
import type { DaemonCommand } from '../world/daemon-command.ts';
import type { LocalNode } from '../world/local-node.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { nodeName } from './node-names.ts';
import { LARGE } from './settled.ts';
import type { Target } from './target.ts';

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
const SHARING = 32;

export function localTarget({ command, commands, cli, crowd, clock, bootLimit }: LocalTargetOptions): Target {
  const surfaces: Surface[] = ['rest', 'client', 'sse', 'ws', ...(cli ? (['cli'] as const) : [])];
  return {
    implementation: command.implementation,
    maxNodes: crowd ? MAX_LOCAL_NODES : MAX_PROCESSES,
    powers: ['world', 'dial', 'link', 'process', ...(crowd ? (['crowd'] as const) : []), 'kill', 'pause', 'restart', 'half-open'],
    surfaces,
    async open({ nodes, names: given, wiring, crowd: asked, config, human, signal }) {
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
        ...(large ? { config: { heartbeat_interval_secs: 300, ...config } } : config && { config }),
        ...(human && { human }),
        ...(signal && { signal }),
        ...(clock && { clock }),
        ...(bootLimit !== undefined && { bootLimit }),
      });
      return {
        nodes: world.nodes.map((node) => localTargetNode(node, cli && { ...cli, env: { ...node.environment } })),
        links: world.links,
        bootMs: world.bootMs,
        // Those that share a process share its output.
        logs: world.nodes.filter((node) => node.process.log.path === node.home.log).map((node) => ({ node: node.name, path: node.home.log })),
        [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
      };
    },
  };
}

function localTargetNode(node: LocalNode, cli: CliCommand | undefined): TargetNode {
  return {
    name: node.name,
    cli,
    local: node,
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
