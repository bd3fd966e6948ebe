import type { Requirement } from '@muster/lab';

export const required = {
  forged: { id: 'defence.forged', text: 'What is not signed by its sender is not delivered, and counted as a bad signature.' },
  replayed: { id: 'defence.replayed', text: 'A message that comes again, byte for byte, is delivered once, and counted as a duplicate.' },
  untimely: { id: 'defence.untimely', text: 'A message from beyond the allowed clock skew, old or early, is not delivered, and counted by cause.' },
  network: { id: 'defence.network', text: 'A peer or a message of another network is refused with that reason, and counted by it.' },
  frames: {
    id: 'defence.frames',
    text: 'A peer that breaks the framing or the form of messages loses its link, counted by cause, and nothing else happens.',
  },
  silence: { id: 'defence.silence', text: 'A connection on which no hello comes never counts as a peer and is closed within 10 s.' },
  imposter: { id: 'defence.imposter', text: 'A direct message that comes over the link of another agent than its sender is rejected.' },
  unsubscribed: { id: 'defence.unsubscribed', text: 'A message on a topic that nobody here subscribed to is not delivered, and counted.' },
  blocked: { id: 'defence.blocked', text: 'What a blocked agent publishes or sends over its own link is not delivered, and counted.' },
  cards: { id: 'defence.cards', text: 'A signed card that expired, or does not say when it does, is refused, and nothing of it is kept.' },
  unharmed: { id: 'defence.unharmed', text: 'Whatever a peer does, the node stays healthy and honest messages go on.' },
} as const satisfies Record<string, Requirement>;
