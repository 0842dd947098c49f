import type { ArmStatistics } from "./statistics.ts";

/** Is what a tool adds to the score of a run, or takes from it. Units: scores; `weight` in runs. */
export type ToolEffect = {
  readonly task: string;
  readonly tool: string;
  readonly effect: number;
  readonly weight: number;
};

/**
 * Computes what each tool is worth: arms of one task, agent and model are compared whose sets of tools differ by that tool alone. A tool that no
 * such pair differs by is not there. To favour tools by it, give a selector a `bias`.
 *
 * Order: by task, then the best first.
 */
export function toolEffects(arms: readonly ArmStatistics[]): readonly ToolEffect[] {
  const sums = new Map<string, { task: string; tool: string; sum: number; weight: number }>();
  for (const more of arms) {
    for (const tool of more.tools) {
      const without = arms.filter((less) => isSameWithout(more, less, tool));
      for (const less of without) {
        const weight = pairWeight(more.score.weight, less.score.weight);
        const key = JSON.stringify([more.task, tool]);
        const known = sums.get(key) ?? { task: more.task, tool, sum: 0, weight: 0 };
        known.sum += weight * (more.score.mean - less.score.mean);
        known.weight += weight;
        sums.set(key, known);
      }
    }
  }
  return [...sums.values()]
    .map(({ task, tool, sum, weight }) => ({ task, tool, effect: weight === 0 ? 0 : sum / weight, weight }))
    .toSorted((a, b) => (a.task < b.task ? -1 : a.task > b.task ? 1 : b.effect - a.effect));
}

function isSameWithout(more: ArmStatistics, less: ArmStatistics, tool: string): boolean {
  if (more.task !== less.task || more.agent !== less.agent || more.model !== less.model) return false;
  return (
    less.tools.length + 1 === more.tools.length &&
    more.tools.filter((name) => name !== tool).join() === less.tools.join()
  );
}

/** A difference of two means is known as well as the one of fewer runs lets it be. */
function pairWeight(a: number, b: number): number {
  return a + b === 0 ? 0 : (a * b) / (a + b);
}
