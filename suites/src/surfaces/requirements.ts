export const required = {
  answers: { id: 'surfaces.answers', text: 'Whatever a node declares it does, on every surface that the capability is declared for.' },
  alike: {
    id: 'surfaces.alike',
    text: 'A capability answers the same on REST, on the command line, to the typed client and on a socket, but for the fields declared to vary.',
  },
  refusals: { id: 'surfaces.refusals', text: 'What one surface refuses every surface refuses, for the same reason.' },
  streams: { id: 'surfaces.streams', text: 'An event reaches the event stream, the command line, the typed client and a socket alike.' },
  complete: { id: 'surfaces.complete', text: 'Nothing that the node declares was left unexercised.' },
  unknown: { id: 'surfaces.unknown', text: 'What a node does not declare it refuses, on every surface.' },
  restart: {
    id: 'surfaces.restart',
    text: 'While a node starts again, every surface gives the right answer or says that there is none, and afterwards all answer as before.',
  },
  shutdown: { id: 'surfaces.shutdown', text: 'Asked to stop on any surface, a node says so and ends in order.' },
} as const;
