export type { Crypto, KemKey, SigningKey } from '@muster/protocol';
export type { Clock } from './clock.ts';
export type { Neighbour, Neighbours, Self } from './neighbours.ts';
export type { Random } from './random.ts';
export { StoreError } from './store.ts';
export type { Durability, Range, Store, StoreErrorCode, Write } from './store.ts';
export { TransportError } from './transport.ts';
export type { Carrier, CarrierListener, Channel, ChannelEvents, Transport, TransportErrorCode, TransportListener } from './transport.ts';
export type { Log, LogLevel } from './log.ts';
