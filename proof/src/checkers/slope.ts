/** The slope of a series with its interval, honest about samples that repeat one another. */

export interface Slope {
  /** units per ms */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  /** what the samples are worth as independent ones: fewer where each resembles the one before */
  readonly effective: number;
}

const fewest = 5;

/**
 * Least squares over `times` (ms) and `values`, with a two-sided interval of that confidence by Student's t. Residuals of
 * lag 1 tell how many independent samples there are (n · (1 − ρ) / (1 + ρ)).
 * @returns undefined when there are too few to tell
 */
export function slopeOf(times: ArrayLike<number>, values: ArrayLike<number>, confidence: number): Slope | undefined {
  const n = times.length;
  if (n < fewest) return undefined;
  const [meanT, meanV] = [mean(times), mean(values)];
  let tt = 0;
  let tv = 0;
  for (let i = 0; i < n; i++) {
    tt += (times[i]! - meanT) ** 2;
    tv += (times[i]! - meanT) * (values[i]! - meanV);
  }
  if (tt === 0) return undefined;
  const slope = tv / tt;
  const residual = (i: number): number => values[i]! - meanV - slope * (times[i]! - meanT);
  let squares = 0;
  let products = 0;
  for (let i = 0; i < n; i++) {
    squares += residual(i) ** 2;
    if (i > 0) products += residual(i) * residual(i - 1);
  }
  const rho = squares === 0 ? 0 : Math.min(0.999, Math.max(0, products / squares));
  const effective = (n * (1 - rho)) / (1 + rho);
  const freedom = effective - 2;
  if (freedom < 1) return undefined;
  const half = studentQuantile((1 + confidence) / 2, freedom) * Math.sqrt(squares / freedom / tt);
  return { slope, low: slope - half, high: slope + half, effective };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Quantile of Student's t by bisection of its distribution function; `freedom` at least 1, need not be whole. */
export function studentQuantile(probability: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentBelow(high, freedom) < probability) high *= 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (studentBelow(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T ≤ t) for t ≥ 0: 1 − I(ν / (ν + t²); ν/2, 1/2) / 2. */
function studentBelow(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

/** Regularised incomplete beta function by its continued fraction (Numerical Recipes §6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  return x < (a + 1) / (a + b + 2) ? (front * continuedFraction(x, a, b)) / a : 1 - (front * continuedFraction(1 - x, b, a)) / b;
}

const smallest = 1e-300;

function continuedFraction(x: number, a: number, b: number): number {
  const kept = (value: number): number => (Math.abs(value) < smallest ? smallest : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    product *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    product *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return product;
}

const lanczos = [676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7]; // prettier-ignore

function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const t = x + lanczos.length - 1.5;
  const series = lanczos.reduce((sum, term, index) => sum + term / (x + index), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}
