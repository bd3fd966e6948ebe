import type { Requirement } from '@muster/lab';

export const required = {
  oneLink: { id: 'links.one-link', text: 'Nodes that start at the same moment settle on one link with each other and keep it.' },
  halfOpen: {
    id: 'links.half-open-noticed',
    text: 'A peer that is no longer heard, in either direction, is gone from /peers within 15 s at both ends.',
  },
  killed: { id: 'links.killed-noticed', text: 'A peer whose process was killed is gone from /peers within 15 s.' },
  paused: { id: 'links.paused-noticed', text: 'A peer whose process stands still is gone from /peers within 15 s.' },
  healed: { id: 'links.healed', text: 'Within 5 s of healing, a lost peer is back in /peers and messages arrive.' },
  newPort: { id: 'links.new-port', text: 'A node that comes back on another port is found again within 5 s.' },
  lateJoiner: { id: 'links.late-joiner', text: 'A node that starts on the same host is linked with the others within 2 s, without configuration.' },
  alone: { id: 'links.alone', text: 'A node without peers serves its own subscribers and takes messages to itself.' },
  order: { id: 'links.order', text: 'What one node publishes or sends one after the other is delivered by a linked node in that order.' },
  isolation: { id: 'links.isolation', text: 'Nodes of different networks never meet, even when they share one host directory.' },
} as const satisfies Record<string, Requirement>;

/** ms, as required above */
export const NOTICED_MS = 15_000;
export const HEALED_MS = 5000;
export const JOINED_MS = 2000;
