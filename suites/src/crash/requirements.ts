export const required = {
  messages: {
    id: 'crash.messages',
    text: 'However often a node is killed, every direct message that it acknowledged or was acknowledged is there, once.',
  },
  contacts: { id: 'crash.contacts', text: 'However often a node is killed, every contact that it said it added or removed is there, or gone.' },
  trust: { id: 'crash.trust', text: 'However often a node is killed, trust and revocations that it acknowledged stand.' },
  identity: { id: 'crash.identity', text: 'A killed node comes back as who it was.' },
  files: { id: 'crash.files', text: 'Kill -9 leaves no torn file behind.' },
  starts: { id: 'crash.starts', text: 'After every kill, also one while it was starting, a node starts again and has nothing to complain of.' },
} as const;
