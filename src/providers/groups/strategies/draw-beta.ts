import type { Random } from "../../../base/index.ts";

/** Draws from the beta distribution: a chance as it may be after `hits` successes and `misses` failures. Both above 0. */
export function drawBeta(hits: number, misses: number, random: Random): number {
  const one = drawGamma(hits, random);
  const other = drawGamma(misses, random);
  return one + other === 0 ? 0.5 : one / (one + other);
}

/** Marsaglia and Tsang, 2000; shapes below 1 by their own boost. */
function drawGamma(shape: number, random: Random): number {
  if (shape < 1) return drawGamma(shape + 1, random) * positive(random) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  while (true) {
    const x = drawNormal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(positive(random)) < x * x * 0.5 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(positive(random))) * Math.cos(2 * Math.PI * random.next());
}

function positive(random: Random): number {
  return 1 - random.next();
}
