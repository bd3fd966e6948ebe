/** What a scripted peer stands on: the real network, or a simulated one. */
import { nodeCrypto, systemClock as nodeClock, tcpCarrier, tlsTransport, type Transport } from '@muster/node';
import type { Crypto, SigningKey } from '@muster/protocol';
import { type LabClock, systemClock } from '../clock.ts';

export interface PeerEngines {
  readonly crypto: Crypto;
  readonly clock: LabClock;
  /** `host:port` to listen on */
  readonly bind: string;
  transport(machineKey: SigningKey): Transport;
}

export function realEngines(): PeerEngines {
  const crypto = nodeCrypto();
  return {
    crypto,
    clock: systemClock,
    bind: '127.0.0.1:0',
    transport: (machineKey) => tlsTransport({ crypto, clock: nodeClock(), machineKey, carrier: tcpCarrier() }),
  };
}
