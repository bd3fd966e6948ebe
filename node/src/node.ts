/**
 * The composition root: configuration + ports + identity → a node with handlers for every capability.
 * Pure of the world: engines come in through the ports, surfaces are put on top by whoever runs it.
 */
import type { Registry } from '@muster/contract';
import { isPubliclyRoutable } from '@muster/protocol';
import type { AgentId, MachineId, NetworkId } from '@muster/protocol';
import type { DiscoverySettings } from './config.ts';
import type { Clock, Crypto, Log, Neighbour, Neighbours, Random, Store, Transport } from './ports/index.ts';
import { contactHandlers } from './services/contacts/handlers.ts';
import { ContactStore } from './services/contacts/contact-store.ts';
import { Counters } from './services/counters.ts';
import { DirectService } from './services/direct/direct-service.ts';
import { directHandlers } from './services/direct/handlers.ts';
import { diagnosticsHandlers } from './services/diagnostics/handlers.ts';
import { DiscoveredAgents } from './services/discovery/discovered-agents.ts';
import { Finder } from './services/discovery/finder.ts';
import { discoveryHandlers } from './services/discovery/handlers.ts';
import { Rendezvous } from './services/discovery/rendezvous.ts';
import { RendezvousRecords } from './services/discovery/rendezvous-records.ts';
import { Announcements } from './services/identity/announcements.ts';
import { guiHandlers } from './services/gui/handlers.ts';
import { FoafWalks } from './services/foaf/walks.ts';
import { HearingProbe } from './services/health/hearing.ts';
import { identityHandlers } from './services/identity/handlers.ts';
import type { LocalIdentity } from './services/identity/local-identity.ts';
import { reachable } from './services/links/addresses.ts';
import { LinkHistory } from './services/links/link-history.ts';
import { LinkManager } from './services/links/link-manager.ts';
import { machineHandlers } from './services/machines/handlers.ts';
import { messagingHandlers } from './services/messaging/handlers.ts';
import { PubSub } from './services/messaging/pubsub.ts';
import { ReplayMemory } from './services/messaging/replay-memory.ts';
import { Connectivity } from './services/network/connectivity.ts';
import { networkHandlers } from './services/network/handlers.ts';
import type { OverlayEvents } from './services/messaging/overlay.ts';
import { TreeOverlay } from './services/overlay/tree-overlay.ts';
import { Joining } from './services/peers/joining.ts';
import { KnownPeers } from './services/peers/known-peers.ts';
import { PeerCache } from './services/peers/peer-cache.ts';
import { presenceHandlers } from './services/presence/handlers.ts';
import { PresenceService } from './services/presence/presence-service.ts';
import type { PresenceSettings } from './services/presence/presence-service.ts';
import type { Charter } from './services/status/charter.ts';
import { statusHandlers } from './services/status/handlers.ts';
import { metricsOf } from './services/status/metrics.ts';
import { logStatus } from './services/status/status-line.ts';
import { trustHandlers } from './services/trust/handlers.ts';
import { websocketHandlers } from './services/websocket/handlers.ts';
import type { Handlers } from './ports/handlers.ts';
import { watched } from './watched-store.ts';

/** ids remembered against replays: at 3,000 messages/s for the six minutes that a published envelope is acceptable */
const REPLAY_CAPACITY = 1_100_000;

export interface NodePorts {
  readonly store: Store;
  readonly transport: Transport;
  /** none: only bootstrap peers and whoever dials us */
  readonly neighbours: readonly Neighbours[];
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface NodeSettings {
  readonly network: NetworkId;
  readonly version: string;
  readonly displayName: string;
  readonly bindAddress: string;
  readonly bootstrapPeers: readonly string[];
  readonly inboxLimit: number;
  readonly discovery: DiscoverySettings;
  /** public `host:port` of this node, bound as it is */
  readonly externalAddresses?: (bound: string) => readonly string[];
  /** false: dials bootstrap peers and whom the user asks for, nobody else */
  readonly autoDial: boolean;
  readonly presence: PresenceSettings;
  readonly charter: Charter;
  readonly apiAddress: () => string;
  readonly gauges: () => Readonly<Record<string, number>>;
  /** asked to end by the API */
  readonly shutdown: () => void;
}

export interface Services {
  readonly contacts: ContactStore;
  readonly links: LinkManager;
  readonly pubsub: PubSub<TreeOverlay>;
  readonly direct: DirectService;
  readonly peers: KnownPeers;
  readonly presence: PresenceService;
  readonly counters: Counters;
}

export interface Node extends AsyncDisposable {
  readonly handlers: Handlers<Registry>;
  readonly services: Services;
  /** Joins the network: listens, becomes findable, dials. Resolves with the bound `host:port`. */
  join(): Promise<string>;
}

export function createNode(settings: NodeSettings, ports: NodePorts, identity: LocalIdentity): Node {
  const { transport, crypto, clock, random, log } = ports;
  const { network, version } = settings;
  const counters = new Counters();
  const warnings = new Map<string, string>();
  const store = watched(ports.store, warnings);
  const contacts = new ContactStore(store, clock);
  const peers = new KnownPeers(store, clock, (agent) => contacts.chosen(agent));
  const cache = new PeerCache(store, clock, log);
  const links = new LinkManager({
    transport,
    clock,
    random,
    crypto,
    identity,
    network,
    counters,
    log,
    software: { name: 'muster', version },
    capabilities: ['direct/1', 'gossip/1'],
    dialled: (address, machine, ms) => {
      if (machine === undefined || ms === undefined) cache.failed(machine, address);
      else cache.answered(machine, address, ms);
    },
  });
  const joining = new Joining({
    clock,
    random,
    counters,
    log,
    candidates: (most) => cache.candidates(most),
    linked: (machine) => links.toMachine(machine) !== undefined,
    connect: async (address, machine) => (await links.connect(address, machine)).machine,
    want: (address, answered) => links.want([address], undefined, answered),
  });
  const replays = new ReplayMemory(store, clock, log, REPLAY_CAPACITY);
  const history = new LinkHistory(links, clock, identity.machineId);
  const externalAddresses = (): readonly string[] => (links.listener && settings.externalAddresses?.(links.listener.address)) || [];
  const connectivity = new Connectivity({ clock, links, history, externalAddresses });
  const { heartbeatMs, ttlMs, rendezvousValidityMs: validityMs } = settings.discovery;
  const discovered = new DiscoveredAgents({ peers, links, contacts, clock, ttlSecs: ttlMs / 1_000 });
  const overlayWith = (events: OverlayEvents): TreeOverlay =>
    new TreeOverlay({
      self: identity.machineId,
      machineKey: identity.machineKey,
      autoDial: settings.autoDial,
      links,
      clock,
      random,
      crypto,
      network,
      counters,
      log,
      replays,
      events,
    });
  const pubsub = new PubSub({ identity, contacts, clock, crypto, network, counters, overlay: overlayWith });
  const direct = new DirectService({
    links,
    pubsub,
    autoDial: settings.autoDial,
    store,
    contacts,
    peers,
    clock,
    crypto,
    identity,
    network,
    counters,
    log,
    inboxLimit: settings.inboxLimit,
  });
  const addresses = (): string[] => [...new Set([...externalAddresses(), ...(links.listener ? [links.listener.address] : [])])];
  const crowd = (): number => presence.table.size;
  const crowded = (): boolean => presence.newcomers.crowded;
  const turn = (): number => presence.newcomers.turn();
  const speaking = { identity, pubsub, links, contacts, crypto, clock, random, counters, log, addresses, crowd, crowded, turn };
  const announcements = new Announcements({ ...speaking, peers, heartbeatMs, ttlMs });
  const records = new RendezvousRecords({ store, crypto, clock, network });
  const others = (): AgentId[] => [...new Set([...peers.spoke((clock.now() - ttlMs) / 1_000), ...links.all().map(({ agent }) => agent)])];
  const rendezvous = validityMs === undefined ? undefined : new Rendezvous({ ...speaking, network, records, others, validityMs });
  const finder = new Finder({ links, pubsub, peers, contacts, discovered, announcements, rendezvous, clock, log });
  const presence = new PresenceService({ ...speaking, network, settings: settings.presence });
  const walks = new FoafWalks({ identity, presence, links, contacts, clock, random, crypto, network, counters });
  const hearing = new HearingProbe({ links, presence, contacts, clock, crypto, log, bootstrapPeers: settings.bootstrapPeers });
  const refused = (): [string, number][] =>
    Object.entries(links.listener?.refused ?? {}).map(([reason, count]) => [`handshakes_refused_total{reason="${reason}"}`, count]);
  const metrics = metricsOf(
    () => [...counters.entries(), ...refused()],
    () => ({
      links: links.size,
      rendezvous_records: records.size,
      presence_online: presence.online().length,
      ...pubsub.overlay.gauges(),
      ...settings.gauges(),
    }),
  );

  // Where a linked peer may be reached again: the address we see, at the port it says it listens on.
  links.on({
    up: (link, hello) => {
      // As with announcements, what a blocked agent or a wrong machine says of itself is not kept.
      if (contacts.rejects(link.agent, link.machine)) return;
      const addresses = reachable(link, link.dialler === identity.machineId);
      for (const address of addresses) cache.heardOf(link.machine, address);
      peers.learn(link.agent, link.machine, {
        addresses,
        agentKey: hello.agentKey,
        kemKey: hello.kemKey,
        announced: true,
      });
    },
    down: (link) => {
      if (contacts.rejects(link.agent, link.machine)) return;
      peers.heard(link.agent, link.machine, Math.floor((clock.now() - (clock.monotonic() - link.lastReceivedAt)) / 1_000));
    },
  });

  const running: AsyncDisposable[] = [];
  let statusLine: Disposable | undefined;
  const handlers: Handlers<Registry> = {
    ...statusHandlers({
      clock,
      links,
      identity,
      version,
      charter: settings.charter,
      metrics,
      apiAddress: settings.apiAddress,
      externalAddresses,
      hearing: () => hearing.now(),
      warnings: () => [...warnings.values()],
      shutdown: settings.shutdown,
    }),
    ...identityHandlers({ identity, contacts, peers, announcements, crypto, clock, displayName: settings.displayName, addresses }),
    ...messagingHandlers(pubsub, counters),
    ...contactHandlers(contacts, identity.agentId),
    ...trustHandlers(contacts),
    ...directHandlers({ direct, links, contacts, peers, counters }),
    ...networkHandlers({ clock, links, cache, history, connectivity, counters }),
    ...diagnosticsHandlers({ clock, links, direct, connectivity, counters, overlay: pubsub.overlay, self: identity.machineId }),
    ...discoveryHandlers({ identity, discovered, finder, links, addresses }),
    ...machineHandlers(discovered, links),
    ...presenceHandlers({
      presence,
      walks,
      contacts,
      peers,
      identity,
      clock,
      counters,
      eventPollMs: settings.presence.eventPollMs,
      addresses: () => addresses().filter(isPubliclyRoutable),
    }),
    ...websocketHandlers({ pubsub, direct, contacts, self: identity.agentId, counters }),
    ...guiHandlers({ crypto }),
  };

  return {
    handlers,
    services: { contacts, links, pubsub, direct, presence, peers, counters },
    join: async () => {
      const address = await links.listen(settings.bindAddress);
      const self = { network, machine: identity.machineId, address };
      await Promise.all(
        ports.neighbours.map(async (neighbours, index) => {
          try {
            const found = ({ machine, addresses }: Neighbour): void => {
              connectivity.found(neighbours, machine);
              if (settings.autoDial) links.want(addresses, machine as MachineId);
            };
            running.push(await neighbours.start(self, found));
            connectivity.looking(neighbours);
          } catch (error) {
            const text = `cannot look for neighbours: ${error instanceof Error ? error.message : String(error)}`;
            warnings.set(`neighbours-${index}`, text);
            log.write('warn', text);
          }
        }),
      );
      void joining.join(settings.bootstrapPeers, settings.autoDial);
      announcements.start();
      rendezvous?.start();
      presence.start();
      statusLine = logStatus({ clock, log, counters, links, presence, gauges: settings.gauges });
      return address;
    },
    [Symbol.asyncDispose]: async () => {
      await presence.leave();
      for (const part of [statusLine, finder, rendezvous, announcements, hearing, walks, presence, direct]) part?.[Symbol.dispose]();
      pubsub[Symbol.dispose]();
      replays[Symbol.dispose]();
      const ends = await Promise.allSettled([...running.map((part) => part[Symbol.asyncDispose]()), links.stop()]);
      store.close();
      for (const end of ends) if (end.status === 'rejected') log.write('warn', 'a part did not end cleanly', { error: String(end.reason) });
    },
  };
}
