/** What every engine of a port must do, for engines of other rooms. */
export { clockPortTest } from './clock.port-test.ts';
export { cryptoPortTest } from './crypto.port-test.ts';
export { neighboursPortTest } from './neighbours.port-test.ts';
export { storePortTest } from './store.port-test.ts';
export { transportPortTest } from './transport.port-test.ts';
