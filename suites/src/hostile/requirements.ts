export const required = {
  token: { id: 'hostile.token', text: 'Without the token in the one place where it belongs, a node does nothing but what is open.' },
  host: { id: 'hostile.host', text: 'Under a foreign name nothing is answered, and no page of a foreign origin may read what is.' },
  requests: { id: 'hostile.requests', text: 'Bytes that are no proper request are refused or cut off, and nothing of them is carried out.' },
  sockets: { id: 'hostile.sockets', text: 'A frame on a socket that is too long, too deep or too many is refused or closes the socket.' },
  messages: { id: 'hostile.messages', text: 'A peer whose messages announce or nest more than they hold loses its link.' },
  slow: { id: 'hostile.slow', text: 'Whoever begins and does not go on is cut off in time, and holds nobody else up meanwhile.' },
  crowd: { id: 'hostile.crowd', text: 'A crowd of connections is told that there are too many, and when it is gone the node serves as before.' },
  unharmed: { id: 'hostile.unharmed', text: 'Whatever strangers do, the node lives, is healthy, and serves others.' },
  memory: { id: 'hostile.memory', text: 'Whatever strangers do, the memory of the node stays flat.' },
} as const;
