import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAgentId, parseMachineId } from './ids.ts';
import {
  addMachine,
  camelCase,
  evaluateTrust,
  IDENTITY_TYPES,
  parseIdentityType,
  parseTrustLevel,
  pin,
  removeContact,
  removeMachine,
  revoke,
  seen,
  setIdentityType,
  setLabel,
  setTrust,
  TRUST_DECISIONS,
  TRUST_LEVELS,
  unpin,
} from './trust.ts';
import type { Standing, TrustLevel } from './trust.ts';

const agent = parseAgentId('aa'.repeat(32));
const machines = [parseMachineId('01'.repeat(32)), parseMachineId('02'.repeat(32)), parseMachineId('03'.repeat(32))] as const;
const [home, work, away] = machines;
const stranger: Standing = { agent };
const contact = (level: TrustLevel) => setTrust(stranger, level, 100);
const revocation = { reason: 'key lost', timestamp: 100, revoker: null };

/** Every transition there is. */
const step = fc.oneof(
  fc.constantFrom(...TRUST_LEVELS).map((level) => (s: Standing) => setTrust(s, level, 200)),
  fc.constantFrom(...IDENTITY_TYPES).map((type) => (s: Standing) => setIdentityType(s, type, 200)),
  fc.constantFrom(...machines).map((machine) => (s: Standing) => addMachine(s, machine, 200)),
  fc.constantFrom(...machines).map((machine) => (s: Standing) => removeMachine(s, machine)),
  fc.constantFrom(...machines).map((machine) => (s: Standing) => pin(s, machine)),
  fc.constantFrom(...machines).map((machine) => (s: Standing) => unpin(s, machine)),
  fc.constantFrom(
    (s: Standing) => seen(s, 300),
    (s: Standing) => setLabel(s, 'Ada', 300),
    removeContact,
  ),
);
const history = fc.array(step, { maxLength: 25 });
const after = (steps: readonly ((s: Standing) => Standing)[], from = stranger) => steps.reduce((standing, apply) => apply(standing), from);
const holds = <T>(law: fc.IProperty<T>) => fc.assert(law, { seed: 20261121, numRuns: 500 });

describe('the decision', () => {
  test.each([
    ['unknown', stranger, home],
    ['reject_blocked', contact('blocked'), home],
    ['unknown', contact('unknown'), home],
    ['accept_with_flag', contact('known'), home],
    ['accept', contact('trusted'), home],
    ['accept', contact('trusted'), undefined],
    ['accept', pin(addMachine(stranger, home, 100), home), home],
    ['reject_machine_mismatch', pin(addMachine(contact('trusted'), home, 100), home), work],
    ['reject_machine_mismatch', pin(addMachine(contact('trusted'), home, 100), home), undefined],
    ['reject_machine_mismatch', setIdentityType(contact('trusted'), 'pinned', 100), home],
    ['reject_blocked', setTrust(pin(addMachine(stranger, home, 100), home), 'blocked', 100), home],
    ['reject_blocked', revoke(stranger, revocation, 100), home],
    ['reject_blocked', removeContact(revoke(contact('trusted'), revocation, 100)), home],
  ] as const)('%s', (decision, standing, machine) => {
    expect(evaluateTrust(standing, machine)).toBe(decision);
  });

  test('of a revoked agent stays reject_blocked, whatever follows', () => {
    holds(
      fc.property(history, history, fc.constantFrom(...machines), (before, then, machine) => {
        const end = after(then, revoke(after(before), revocation, 400));
        expect(evaluateTrust(end, machine)).toBe('reject_blocked');
        expect(end.contact?.trust ?? 'blocked').toBe('blocked');
        expect(end.revocation).toEqual(revocation);
      }),
    );
  });

  test('is an accepting one for a pinned identity only on a pinned machine', () => {
    holds(
      fc.property(history, fc.constantFrom(...machines), (steps, machine) => {
        const end = after(steps);
        if (end.contact?.identity !== 'pinned' || end.contact.trust === 'blocked') return;
        const pinned = end.contact.machines.some((record) => record.pinned && record.machine === machine);
        expect(evaluateTrust(end, machine)).toBe(pinned ? 'accept' : 'reject_machine_mismatch');
      }),
    );
  });
});

describe('a contact', () => {
  test('begins unknown and anonymous when it is only heard of', () => {
    expect(seen(stranger, 100).contact).toEqual({
      agent,
      trust: 'unknown',
      identity: 'anonymous',
      label: null,
      addedAt: 100,
      lastSeen: 100,
      machines: [],
    });
  });

  test('becomes known when the trust in an anonymous identity is raised, not when it is lowered', () => {
    expect(contact('known').contact?.identity).toBe('known');
    expect(contact('blocked').contact?.identity).toBe('anonymous');
    expect(setTrust(setIdentityType(contact('known'), 'trusted', 1), 'trusted', 1).contact?.identity).toBe('trusted');
  });

  test('is known again after its last pin, pinned until then', () => {
    const two = pin(pin(addMachine(addMachine(stranger, home, 1), work, 1), home), work);
    expect(two.contact?.identity).toBe('pinned');
    expect(unpin(two, home).contact?.identity).toBe('pinned');
    expect(unpin(unpin(two, home), work).contact?.identity).toBe('known');
    expect(removeMachine(removeMachine(two, home), work).contact).toMatchObject({ identity: 'known', machines: [] });
  });

  test('does not change by pins and removals of machines it does not have', () => {
    const standing = addMachine(setIdentityType(contact('known'), 'trusted', 1), home, 1);
    for (const change of [pin, unpin, removeMachine]) expect(change(standing, away)).toBe(standing);
    for (const change of [pin, unpin, removeMachine]) expect(change(stranger, away)).toBe(stranger);
    expect(unpin(standing, home)).toBe(standing);
    expect(removeMachine(standing, home).contact).toMatchObject({ identity: 'trusted', machines: [] });
  });

  test('keeps what it knew of a machine that is seen again', () => {
    const again = addMachine(pin(addMachine(stranger, home, 1, 'laptop'), home), home, 9);
    expect(addMachine(again, work, 9).contact?.machines).toEqual([
      { machine: home, label: 'laptop', firstSeen: 1, lastSeen: 9, pinned: true },
      { machine: work, label: null, firstSeen: 9, lastSeen: 9, pinned: false },
    ]);
    expect(addMachine(addMachine(again, work, 9), home, 10, null).contact?.machines[0]?.label).toBeNull();
  });

  test('keeps its first revocation', () => {
    const twice = revoke(revoke(stranger, revocation, 1), { ...revocation, reason: 'again' }, 2);
    expect(twice.revocation?.reason).toBe('key lost');
  });

  test('is gone when removed', () => {
    expect(removeContact(contact('trusted'))).toEqual(stranger);
  });

  test('never has a pin without being pinned, unless told its identity type, and no machine twice', () => {
    const steps = history.filter((all) => all.length > 0);
    holds(
      fc.property(steps, (all) => {
        const records = after(all).contact?.machines ?? [];
        expect(new Set(records.map((record) => record.machine)).size).toBe(records.length);
      }),
    );
  });

  test('is never changed in place', () => {
    const freeze = (s: Standing): Standing => {
      for (const record of s.contact?.machines ?? []) Object.freeze(record);
      if (s.contact) Object.freeze(Object.freeze(s.contact).machines);
      return Object.freeze(s);
    };
    holds(fc.property(history, (steps) => void steps.reduce((standing, apply) => freeze(apply(standing)), freeze(stranger))));
  });
});

describe('names', () => {
  test('have the CamelCase that some answers use', () => {
    expect(TRUST_DECISIONS.map(camelCase)).toEqual(['Accept', 'AcceptWithFlag', 'RejectMachineMismatch', 'RejectBlocked', 'Unknown']);
    expect(camelCase('trusted')).toBe('Trusted');
  });

  test('are read in any letter case, and nothing else is', () => {
    expect(parseTrustLevel('Trusted')).toBe('trusted');
    expect(parseIdentityType('PINNED')).toBe('pinned');
    expect(parseTrustLevel('friend')).toBeUndefined();
    expect(parseIdentityType('')).toBeUndefined();
  });
});
