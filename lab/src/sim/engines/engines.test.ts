import { clockPortTest, cryptoPortTest, neighboursPortTest, storePortTest, transportPortTest } from '@muster/node/port-tests';
import { afterEach, describe } from 'vitest';
import { Chance } from '../chance.ts';
import { Life } from '../life.ts';
import { Network } from '../network/network.ts';
import { LOCAL_NETWORK, WIDE_NETWORK } from '../network/quality.ts';
import { Schedule } from '../schedule.ts';
import { Trace } from '../trace.ts';
import { driverClock, simulatedClock } from './clock.ts';
import { Disk } from './disk.ts';
import { Neighbourhood } from './neighbours.ts';
import { realCrypto } from './real-crypto.ts';
import { testCrypto } from './test-crypto.ts';
import { Ports, SimulatedTransport } from './transport.ts';
import { ValuePool } from './value-pool.ts';

const chance = new Chance('port tests');

/** Time that passes as fast as it can until the test is over. */
function passing() {
  const trace = new Trace();
  const schedule = new Schedule(trace);
  const fail = (error: unknown): never => {
    throw error;
  };
  const life = (): Life => new Life(schedule, 0, fail);
  waits.push(schedule.wait());
  return { trace, schedule, life };
}

const waits: Disposable[] = [];
afterEach(() => {
  for (const wait of waits.splice(0)) wait[Symbol.dispose]();
});

describe.each([0, 200, -200])('a clock that drifts by %i ppm', (driftPpm) => {
  clockPortTest(() => {
    const { schedule, life } = passing();
    const truth = driverClock(schedule);
    return { clock: simulatedClock(schedule, life(), { skew: -5_000, driftPpm }), pass: (ms) => truth.sleep(ms) };
  });
});

describe('the test scheme', () => {
  cryptoPortTest(() => testCrypto(chance));
});

describe('the real scheme on one thread', () => {
  cryptoPortTest(() => realCrypto(chance));
});

describe('a simulated disk', () => {
  storePortTest(() => new Disk({ chance: chance.child('disk'), pool: new ValuePool() }).open(() => {}));
});

describe.each([
  ['local', LOCAL_NETWORK],
  ['wide', WIDE_NETWORK],
  ['very bad', { ...WIDE_NETWORK, loss: 0.2, duplication: 0.1, reordering: 0.3 }],
])('on a %s network', (name, profile) => {
  transportPortTest(() => {
    const { trace, schedule, life } = passing();
    const network = new Network(schedule, new Chance(name), profile, trace);
    const ports = new Ports();
    const crypto = testCrypto(new Chance(name));
    const machine = () => {
      const key = crypto.signingKey().publicKey;
      const transport = new SimulatedTransport({ network, ports, host: network.host(), life: life(), machineKey: key, crypto, chance });
      return { transport, machineKey: key };
    };
    return { machine, address: '0.0.0.0:0', deadAddress: `${network.host().ip}:1` };
  });
});

describe('a simulated neighbourhood', () => {
  neighboursPortTest(() => {
    const { schedule, life } = passing();
    const neighbourhood = new Neighbourhood(schedule, chance.child('neighbourhood'));
    return { neighbours: () => neighbourhood.neighbours(life()) };
  });
});
