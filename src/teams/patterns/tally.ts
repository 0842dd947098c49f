/** Is what one voter chose: one choice, or several in the order of its liking. */
export interface Ballot {
  readonly voter: string;
  readonly ranking: readonly string[];
  /** 1 by default; less than 0 counts as 0. */
  readonly weight?: number;
}

/** Names a way to count: `majority` counts first choices, `weighted` their weights, `ranked` runs off the least liked one by one. */
export type Counting = "majority" | "weighted" | "ranked";

/** Is what a count comes to. `shares` add up to 1 where anything was counted; `tied` names those that were equal at the top. */
export interface Tally {
  readonly winner: string | undefined;
  readonly shares: Readonly<Record<string, number>>;
  readonly tied: readonly string[];
}

/**
 * Counts ballots. Ties go to the choice that stands higher on more rankings (each place counts one less), then to the one that stands
 * first in `order`, then to the one that was cast first. The same ballots in the same order always give the same winner.
 *
 * Order: `order` lists the choices; those that are not in it come after, as they were first cast.
 */
export function tally(ballots: readonly Ballot[], counting: Counting, order: readonly string[] = []): Tally {
  const choices = [...new Set([...order, ...ballots.flatMap(({ ranking }) => ranking)])];
  const standing = (choice: string): number =>
    ballots.reduce((sum, { ranking }) => {
      const place = ranking.indexOf(choice);
      return place < 0 ? sum : sum + (choices.length - place);
    }, 0);
  const compare = (a: string, b: string): number =>
    standing(b) - standing(a) || choices.indexOf(a) - choices.indexOf(b);
  const counts = countFirst(ballots, choices, counting);
  const shares = sharesOf(counts);
  if ([...counts.values()].every((count) => count === 0)) return { winner: undefined, shares, tied: [] };
  if (counting === "ranked") return { ...runOff(ballots, choices, compare), shares };
  const tied = topOf(counts);
  return { winner: tied.toSorted(compare)[0], shares, tied: tied.length > 1 ? tied : [] };
}

/** Takes out the choice with the fewest first places, again and again, until one has more than half. */
function runOff(
  ballots: readonly Ballot[],
  choices: readonly string[],
  compare: (a: string, b: string) => number,
): Pick<Tally, "winner" | "tied"> {
  let left = choices;
  while (true) {
    const counts = countFirst(ballots, left, "ranked");
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const top = topOf(counts);
    const [leader] = top;
    if (leader !== undefined && (counts.get(leader) ?? 0) * 2 > total) return { winner: leader, tied: [] };
    if (top.length === left.length) return { winner: top.toSorted(compare)[0], tied: top.length > 1 ? top : [] };
    const least = Math.min(...counts.values());
    const out = left
      .filter((each) => counts.get(each) === least)
      .toSorted(compare)
      .at(-1);
    left = left.filter((each) => each !== out);
  }
}

/** Counts the first of each ranking that is still in the race. */
function countFirst(
  ballots: readonly Ballot[],
  choices: readonly string[],
  counting: Counting,
): ReadonlyMap<string, number> {
  const counts = new Map(choices.map((choice) => [choice, 0]));
  for (const { ranking, weight = 1 } of ballots) {
    const first = ranking.find((choice) => counts.has(choice));
    if (first === undefined) continue;
    counts.set(first, (counts.get(first) ?? 0) + (counting === "weighted" ? Math.max(0, weight) : 1));
  }
  return counts;
}

function topOf(counts: ReadonlyMap<string, number>): readonly string[] {
  const most = Math.max(...counts.values());
  return [...counts].filter(([, count]) => count === most).map(([choice]) => choice);
}

function sharesOf(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return Object.fromEntries([...counts].map(([choice, count]) => [choice, total === 0 ? 0 : count / total]));
}
