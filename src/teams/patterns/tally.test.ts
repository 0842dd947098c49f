import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Citation } from "../../knowledge/index.ts";
import { mergeCitations } from "../merge-citations.ts";
import type { Ballot, Counting } from "./tally.ts";
import { tally } from "./tally.ts";

const choices = ["a", "b", "c", "d"];
const ballot = fc.record({
  voter: fc.constant("v"),
  ranking: fc.shuffledSubarray(choices, { minLength: 1 }),
  weight: fc.integer({ min: 0, max: 5 }),
});
const ballots = fc.array(ballot, { maxLength: 12 });
const counting = fc.constantFrom<Counting>("majority", "weighted", "ranked");
const votes = (...rankings: string[]): Ballot[] =>
  rankings.map((each, n) => ({ voter: `${n}`, ranking: each.split("") }));

describe("counting votes", () => {
  it("gives the same winner whatever the order of the ballots, where the choices are listed", () => {
    fc.assert(
      fc.property(ballots, counting, (cast, how) => {
        const { winner } = tally(cast, how, choices);
        expect(tally(cast.toReversed(), how, choices).winner).toBe(winner);
        if (winner !== undefined) expect(choices).toContain(winner);
      }),
    );
  });

  it("lets a choice win that has more than half of the first places, in every way to count", () => {
    fc.assert(
      fc.property(ballots, counting, (cast, how) => {
        const even = cast.map((each) => ({ ...each, weight: 1 }));
        for (const choice of choices) {
          const first = even.filter(({ ranking }) => ranking[0] === choice).length;
          if (first * 2 > even.length) expect(tally(even, how, choices).winner).toBe(choice);
        }
      }),
    );
  });

  it("counts shares that add up to one, or to nothing", () => {
    fc.assert(
      fc.property(ballots, counting, (cast, how) => {
        const sum = Object.values(tally(cast, how, choices).shares).reduce((a, b) => a + b, 0);
        expect(Math.min(Math.abs(sum), Math.abs(sum - 1))).toBeLessThan(1e-9);
      }),
    );
  });

  it("gives a weight of two what two ballots give", () => {
    fc.assert(
      fc.property(ballots, (cast) => {
        const twice = cast.map((each) => ({ ...each, weight: 2 }));
        const doubled = cast.flatMap((each) => [{ ...each }, { ...each }]);
        expect(tally(twice, "weighted", choices).winner).toBe(tally(doubled, "majority", choices).winner);
      }),
    );
  });

  it("runs off the least liked, whose voters' next choice then counts", () => {
    expect(tally(votes("ab", "ab", "ba", "ba", "cb"), "ranked").winner).toBe("b");
    expect(tally(votes("ab", "ab", "ba", "ba", "cb"), "majority").tied).toEqual(["a", "b"]);
  });

  it("settles a tie by standing, then by the order of the choices", () => {
    expect(tally(votes("ab", "bc"), "majority").winner).toBe("b");
    expect(tally(votes("a", "b"), "majority", ["b", "a"]).winner).toBe("b");
    expect(tally(votes("a", "b"), "majority")).toMatchObject({ winner: "a", tied: ["a", "b"] });
  });

  it("has no winner where nothing was cast", () => {
    expect(tally([], "ranked", choices)).toEqual({ winner: undefined, shares: { a: 0, b: 0, c: 0, d: 0 }, tied: [] });
  });
});

describe("merging citations", () => {
  const keyOf = ({ source, startLine, endLine, quote }: Citation) => `${source}:${startLine}-${endLine} ${quote}`;
  const citation = fc.record<Citation>({
    source: fc.constantFrom("a.md", "b.md"),
    startLine: fc.integer({ min: 1, max: 3 }),
    endLine: fc.integer({ min: 1, max: 3 }),
    quote: fc.constantFrom("x", "y"),
  });
  const results = fc.array(fc.record({ citations: fc.array(citation) }));

  it("keeps each place once, none lost, in the order of coming", () => {
    fc.assert(
      fc.property(results, (given) => {
        const all = given.flatMap(({ citations }) => citations);
        const keys = [...new Set(all.map((each) => keyOf(each)))];
        const merged = mergeCitations(given).map((each) => keyOf(each));
        expect(merged).toEqual(keys);
        expect(mergeCitations([{ citations: mergeCitations(given) }])).toEqual(mergeCitations(given));
      }),
    );
  });
});
