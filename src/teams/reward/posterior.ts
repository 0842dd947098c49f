import type { Random } from "../../base/index.ts";
import type { Spread } from "./statistics.ts";

/** Is what is believed of a mean whose variance is not known: a Student distribution. Units: those of the values. */
export interface Posterior {
  readonly mean: number;
  readonly scale: number;
  readonly freedom: number;
}

/** Is what is believed before anything was seen. Units: `strength` in values. */
export interface Prior {
  readonly mean: number;
  readonly variance: number;
}

/** How many values the prior counts as, of the mean and of the variance. */
const meanStrength = 0.5;
const varianceStrength = 4;

/** Computes what is believed of a mean after some values: the normal model with an inverse-gamma prior of its variance. */
export function posteriorOf({ weight, mean, variance }: Spread, prior: Prior): Posterior {
  const strength = meanStrength + weight;
  const apart = (meanStrength * weight * (mean - prior.mean) ** 2) / strength;
  const freedom = varianceStrength + weight;
  const spread = (varianceStrength * prior.variance + weight * variance + apart) / freedom;
  return {
    mean: (meanStrength * prior.mean + weight * mean) / strength,
    scale: Math.sqrt(spread / strength),
    freedom,
  };
}

/** Draws a value from what is believed; `width` makes it wider than it is, to explore more, or narrower. */
export function drawFrom({ mean, scale, freedom }: Posterior, random: Random, width = 1): number {
  return mean + (width * scale * drawNormal(random)) / Math.sqrt((2 * drawGamma(freedom / 2, random)) / freedom);
}

/** Tells how likely it is that the mean is below a value. */
export function likelyBelow({ mean, scale, freedom }: Posterior, value: number): number {
  if (scale === 0) return mean < value ? 1 : mean > value ? 0 : 0.5;
  const t = (value - mean) / scale;
  const tail = regularBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** Draws from the standard normal distribution. */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** Draws from the gamma distribution with the scale 1. Source: Marsaglia and Tsang, A simple method for generating gamma variables. */
function drawGamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  // Nine of ten draws are taken at once; the bound is for a source of chance that is broken.
  for (let tries = 0; tries < 1000; tries++) {
    const normal = drawNormal(random);
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * normal * normal + d - d * v + d * Math.log(v)) return d * v;
  }
  return d;
}

/** Computes the regularised incomplete beta function. Source: Lentz's method on its continued fraction (DLMF 8.17.22). */
function regularBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) - logBeta(a, b)) / a;
  const tiny = 1e-300;
  let [c, d] = [1, 1 / Math.max(1 - ((a + b) * x) / (a + 1), tiny)];
  let fraction = d;
  for (let m = 1; m < 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d, tiny);
    c = nonZero(1 + even / c, tiny);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d, tiny);
    c = nonZero(1 + odd / c, tiny);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-12) break;
  }
  return front * fraction;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Computes ln of the gamma function of what is above 0: Stirling's series, after the recurrence has brought it there. */
function logGamma(value: number): number {
  let shift = 0;
  let x = value;
  while (x < 10) shift -= Math.log(x++);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse / 1260)) / x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
