import { openapi, registry } from '@muster/contract';
import type { Clock } from '../../ports/index.ts';
import type { HandlersOf } from '../families.ts';
import type { Hearing } from '../health/hearing.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { Charter } from './charter.ts';
import type { Metrics } from './metrics.ts';

/** how long a node without peers counts as still connecting */
const CONNECTING_SECS = 45;

export interface StatusParts {
  readonly clock: Clock;
  readonly links: LinkManager;
  readonly identity: LocalIdentity;
  readonly version: string;
  readonly charter: Charter;
  readonly metrics: Metrics;
  readonly apiAddress: () => string;
  readonly externalAddresses: () => readonly string[];
  /** whether the node hears others, and is heard */
  readonly hearing: () => Hearing;
  /** what a person should know: the node works, but not as well as it could */
  readonly warnings: () => readonly string[];
  /** ends the node after the answer is out */
  readonly shutdown: () => void;
}

export function statusHandlers(parts: StatusParts): HandlersOf<'status'> {
  const { clock, links, identity, version, charter, metrics } = parts;
  const startedAt = clock.monotonic();
  const uptime = (): number => Math.floor((clock.monotonic() - startedAt) / 1_000);
  const condition = (warnings: readonly string[]) => {
    if (warnings.length > 0) return 'degraded' as const;
    if (links.size > 0) return 'connected' as const;
    return uptime() < CONNECTING_SECS ? ('connecting' as const) : ('isolated' as const);
  };
  return {
    'status.health': () => {
      const { healthy, reason } = parts.hearing();
      const status = healthy ? ('healthy' as const) : ('degraded' as const);
      return { status, version, peers: links.size, uptime_secs: uptime(), ...(reason !== undefined && { reason }) };
    },
    'status.get': () => {
      const { healthy, reason } = parts.hearing();
      const warnings = [...parts.warnings(), ...(healthy || reason === undefined ? [] : [reason])];
      return {
        status: condition(warnings),
        version,
        uptime_secs: uptime(),
        api_address: parts.apiAddress(),
        external_addrs: [...parts.externalAddresses()],
        agent_id: identity.agentId,
        peers: links.size,
        warnings,
      };
    },
    'status.shutdown': () => {
      parts.shutdown();
      return { message: 'shutting down' };
    },
    'status.charter': () => charter.content,
    'status.charterJson': () => ({ version: charter.version, status: charter.status, content: charter.content }),
    'status.openapi': () => openapi(registry, { version }) as unknown as Record<string, unknown>,
    'status.metrics': () => metrics(),
  };
}
