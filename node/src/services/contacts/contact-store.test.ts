import * as fc from 'fast-check';
import { CapabilityError } from '@muster/contract';
import { expect, test } from 'vitest';
import type { AgentId, MachineId } from '@muster/protocol';
import { HandClock } from '../../testing/hand-clock.ts';
import { unreliablePower } from '../../testing/power-cut.ts';
import { contactHandlers } from './handlers.ts';
import { ContactStore } from './contact-store.ts';

const context = { signal: new AbortController().signal, surface: 'rest' } as const;
const [self, ...agents] = ['00', 'a1', 'a2'].map((byte) => byte.repeat(32) as AgentId) as [AgentId, ...AgentId[]];
const machines = ['b1', 'b2'].map((byte) => byte.repeat(32) as MachineId);

type Handlers = ReturnType<typeof contactHandlers>;
/** What a person asks for, and what only happens; the person is told that it is done. */
const asked = {
  'contacts.add': { agent_id: '', trust_level: 'known', label: 'x' },
  'contacts.setTrust': { agent_id: '', level: 'trusted' },
  'contacts.update': { agent_id: '', trust_level: 'blocked', identity_type: 'known' },
  'contacts.remove': { agent_id: '' },
  'contacts.revoke': { agent_id: '', reason: 'lost' },
  'contacts.addMachine': { agent_id: '', machine_id: '', pinned: false },
  'contacts.removeMachine': { agent_id: '', machine_id: '' },
  'contacts.pinMachine': { agent_id: '', machine_id: '' },
  'contacts.unpinMachine': { agent_id: '', machine_id: '' },
} satisfies { [K in keyof Handlers]?: object };

test('whatever a person was told is done outlives a power cut, also where it changed nothing', async () => {
  const step = fc.record({
    what: fc.constantFrom('heard', ...(Object.keys(asked) as (keyof typeof asked)[])),
    agent: fc.constantFrom(...agents),
    machine: fc.constantFrom(...machines),
    later: fc.nat(2),
  });
  const law = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
    using power = unreliablePower();
    const clock = new HandClock();
    const contacts = new ContactStore(power.store, clock);
    const handlers = contactHandlers(contacts, self) as unknown as Record<string, (input: object, how: typeof context) => unknown>;
    for (const { what, agent, machine, later } of steps) {
      await clock.pass(later * 1_000);
      if (what === 'heard') {
        contacts.heardOf(agent, machine);
        continue;
      }
      const input: object = asked[what];
      const withIds = { ...input, agent_id: agent, ...('machine_id' in input && { machine_id: machine }) };
      try {
        await handlers[what]!(withIds, context);
      } catch (error) {
        // Refused: nothing was promised.
        if (!(error instanceof CapabilityError)) throw error;
        continue;
      }
      expect(new ContactStore(power.cut(), clock).standing(agent), what).toEqual(contacts.standing(agent));
    }
  });
  await fc.assert(law, { seed: 20261121, numRuns: 40 });
});
