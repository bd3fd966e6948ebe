/** Who this node is: machine, agent, and optionally the human behind it. */
import type { AgentId, MachineId, UserCertificate, UserId } from '@muster/protocol';
import type { KemKey, SigningKey } from '../../ports/index.ts';

export interface LocalIdentity {
  readonly machineKey: SigningKey;
  readonly machineId: MachineId;
  readonly agentKey: SigningKey;
  readonly agentId: AgentId;
  readonly kemKey: KemKey;
  /** the human, when a user key is configured: never disclosed unless asked with consent */
  readonly user: { readonly id: UserId; readonly certificate: UserCertificate } | undefined;
}
