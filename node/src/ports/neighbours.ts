/** Finds nodes of the same network nearby without configuration: same host, LAN. Hints only: whoever is dialled proves itself. */
export interface Self {
  /** 32-byte network id, lower-case hex; neighbours of other networks are never reported */
  readonly network: string;
  /** machine id, lower-case hex */
  readonly machine: string;
  /** port the transport listens on, and the bound host (`127.0.0.1`, `::`, …) */
  readonly address: string;
}

export interface Neighbour {
  readonly machine: string;
  /** `host:port` candidates, best first */
  readonly addresses: readonly string[];
}

export interface Neighbours {
  /** how far it looks */
  readonly scope: 'host' | 'lan';
  /** Makes `self` findable and reports others within 2 s of both being up, again whenever one reappears. Disposing withdraws `self`. */
  start(self: Self, found: (neighbour: Neighbour) => void): Promise<AsyncDisposable>;
}
