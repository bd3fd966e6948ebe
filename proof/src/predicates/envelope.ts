/** Resource envelope: what nodes use stays under its limit, and does not grow with time. */
import { z } from 'zod';
import { slopeOf } from '../checkers/slope.ts';
import { type Observations, observationsSchema } from '../claim.ts';
import { type JsonPointer, show, valueAt } from '../json.ts';
import { fails, inconclusive, type Judgement, judged, pass, type Predicate } from './predicate.ts';
import { picksObservation } from './recorded.ts';

export interface ResourceEnvelope {
  /** samples of what each node uses: RSS, handles, sockets, disk */
  readonly samples: Observations;
  /** into `data`, at a number */
  readonly at: JsonPointer;
  readonly unit?: string | undefined;
  /** never more than this */
  readonly most?: number | undefined;
  /** growth that is allowed, in units per hour: the upper end of its interval must lie under it */
  readonly perHour?: number | undefined;
  /** of the interval; 0.99 when not given */
  readonly confidence?: number | undefined;
  /** ms after a node's first sample that say nothing about growth */
  readonly warmUp?: number | undefined;
  /** growth is that of the lowest sample of every so many ms: of a heap what is left after collections, not what is on its way out */
  readonly floorOf?: number | undefined;
}

interface Series {
  readonly times: number[];
  readonly values: number[];
  readonly begun: number;
  readonly first: number;
  last: number;
  highest: { readonly value: number; readonly seq: number };
}

const msPerHour = 3_600_000;
const standardConfidence = 0.99;

export const resourceEnvelope: Predicate<ResourceEnvelope> = {
  name: 'resource-envelope',
  params: z
    .strictObject({
      samples: observationsSchema,
      at: z.string(),
      unit: z.string().optional(),
      most: z.number().optional(),
      perHour: z.number().optional(),
      confidence: z.number().min(0.5).max(0.9999).optional(),
      warmUp: z.number().min(0).optional(),
      floorOf: z.number().min(1).optional(),
    })
    .refine(({ most, perHour }) => most !== undefined || perHour !== undefined, 'neither most nor perHour is given'),
  start({ samples, at, unit = '', most, perHour, confidence = standardConfidence, warmUp = 0, floorOf }) {
    const byNode = new Map<string, Series>();
    let wrong: Judgement | undefined;
    return {
      interest: { types: ['observe'] },
      line(line) {
        if (line.type !== 'observe' || !picksObservation(samples, line)) return;
        const value = valueAt(line.data, at);
        if (typeof value !== 'number') {
          wrong ??= fails(`${line.node}: ${at} is ${show(value)}, no number`, [line.seq]);
          return;
        }
        const known = byNode.get(line.node);
        const series = known ?? { times: [], values: [], begun: line.t, first: line.seq, last: line.seq, highest: { value, seq: line.seq } };
        byNode.set(line.node, series);
        series.last = line.seq;
        if (value > series.highest.value) series.highest = { value, seq: line.seq };
        if (line.t - series.begun < warmUp) return;
        const before = series.times.at(-1);
        const sameWindow = floorOf !== undefined && before !== undefined && Math.floor(before / floorOf) === Math.floor(line.t / floorOf);
        if (sameWindow && value >= series.values.at(-1)!) return;
        series.times.splice(sameWindow ? -1 : series.times.length, 1, line.t);
        series.values.splice(sameWindow ? -1 : series.values.length, 1, value);
      },
      result() {
        if (wrong) return wrong;
        if (byNode.size === 0) return judged('unverified', 'harness', 'nothing was sampled');
        const limits = { unit, most, perHour, confidence };
        const found = [...byNode].map(([node, series]) => judgeSeries(node, series, limits));
        const worst = found.find(({ status }) => status === 'fail') ?? found.find(({ status }) => status !== 'pass');
        return worst ?? pass(found.map(({ message }) => message).join('; '), found.flatMap(({ evidence }) => evidence)); // prettier-ignore
      },
    };
  },
};

function judgeSeries(
  node: string,
  { times, values, first, last, highest }: Series,
  { unit, most, perHour, confidence }: Pick<ResourceEnvelope, 'most' | 'perHour'> & { readonly unit: string; readonly confidence: number },
): Judgement {
  const inUnits = (value: number) => `${round(value)} ${unit}`.trimEnd();
  if (most !== undefined && highest.value > most) return fails(`${node} reached ${inUnits(highest.value)}, over ${inUnits(most)}`, [highest.seq]);
  if (perHour === undefined) return pass(`${node} at most ${inUnits(highest.value)}`, [highest.seq]);
  const slope = slopeOf(times, values, confidence);
  const evidence = [first, last];
  if (!slope) return inconclusive('lab', `${node}: ${times.length} samples do not tell whether it grows`, evidence);
  const [grows, low, high] = [slope.slope, slope.low, slope.high].map((perMs) => perMs * msPerHour) as [number, number, number];
  const interval = `${node} grows by ${inUnits(grows)} an hour (${round(low)} to ${round(high)}, ${confidence * 100} %)`;
  if (high <= perHour) return pass(`${interval}, at most ${perHour}`, evidence);
  if (low > perHour) return fails(`${interval}, over ${perHour}`, evidence);
  return inconclusive('lab', `${interval}: too wide to tell whether that is at most ${perHour}; sample for longer`, evidence);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
