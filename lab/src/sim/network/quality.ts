/** How good paths are: between regions, and where something else was said of a path. */

export interface PathQuality {
  /** ms that a packet takes at least, one way */
  readonly latencyMs: number;
  /** ms that it takes longer at most; those between are equally likely */
  readonly jitterMs: number;
  /** probability that a packet is lost */
  readonly loss: number;
  /** probability that a packet arrives twice */
  readonly duplication: number;
  /** probability that a packet is overtaken: it takes up to three times as long */
  readonly reordering: number;
}

export interface NetworkProfile {
  readonly regions: readonly string[];
  /** ms one way from region to region, in the order of `regions`; symmetric ones need not be */
  readonly latencyMs: readonly (readonly number[])[];
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** bytes per second that a host sends at most */
  readonly bytesPerSecond: number;
}

/** One host or rack: nothing lost, half a millisecond apart. */
export const LOCAL_NETWORK: NetworkProfile = {
  regions: ['local'],
  latencyMs: [[0.2]],
  jitterMs: 0.1,
  loss: 0,
  duplication: 0,
  reordering: 0,
  bytesPerSecond: 125_000_000,
};

/** Four continents: one way in ms about what providers publish between their regions, and the usual little loss. */
export const WIDE_NETWORK: NetworkProfile = {
  regions: ['europe', 'america', 'asia', 'oceania'],
  latencyMs: [
    [10, 45, 90, 130],
    [45, 15, 75, 80],
    [90, 75, 20, 60],
    [130, 80, 60, 10],
  ],
  jitterMs: 4,
  loss: 0.001,
  duplication: 0.0005,
  reordering: 0.005,
  bytesPerSecond: 12_500_000,
};
