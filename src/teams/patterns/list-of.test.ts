import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eachBounded } from "./bounded.ts";
import { listOf, splitGoal } from "./list-of.ts";
import { likeness, namedIn, plainText } from "../words.ts";

describe("reading what members give", () => {
  it("finds the list in a list, an object, JSON, points and lines", () => {
    expect(listOf([1, 2])).toEqual([1, 2]);
    expect(listOf({ tasks: ["a"], note: "x" })).toEqual(["a"]);
    expect(listOf('```json\n["a", "b"]\n```')).toEqual(["a", "b"]);
    expect(listOf("Here you are:\n1. one\n2) two\n- three")).toEqual(["one", "two", "three"]);
    expect(listOf("one\n\ntwo")).toEqual(["one", "two"]);
    expect(listOf("[broken")).toEqual(["[broken"]);
    expect(listOf(null)).toEqual([]);
  });

  it("splits any goal into one part or more, and loses no word of it", () => {
    expect(splitGoal("How long? Version 1.5 is out. Who pays?")).toEqual([
      "How long?",
      "Version 1.5 is out.",
      "Who pays?",
    ]);
    fc.assert(
      fc.property(fc.array(fc.lorem({ mode: "sentences", maxCount: 2 }), { minLength: 1 }), (texts) => {
        const goal = texts.join("\n");
        expect(plainText(splitGoal(goal).join(" "))).toBe(plainText(goal));
      }),
    );
  });

  it("compares words, and finds the name that comes first as a whole word", () => {
    expect(likeness("The door is open [p1].", "open doors")).toBe(1);
    expect(namedIn("Not anna but Ann.", ["Ann", "Anna"])).toBe("Anna");
    expect(namedIn("Annabel", ["Ann"])).toBeUndefined();
  });
});

describe("doing things at once, with bounds", () => {
  it("begins in order, keeps the order of results, and has no more than its places at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (waits, places) => {
          const begun: number[] = [];
          let now = 0;
          let most = 0;
          const results = await eachBounded(waits, places, async (wait, index) => {
            begun.push(index);
            most = Math.max(most, ++now);
            for (let turn = 0; turn < wait; turn++) await Promise.resolve();
            now--;
            return index;
          });
          expect(results).toEqual(waits.map((_, index) => index));
          expect(begun).toEqual(results);
          expect(most).toBeLessThanOrEqual(places);
        },
      ),
    );
  });

  it("begins nothing more after a failure, and throws it once all have ended", async () => {
    const done: number[] = [];
    const work = eachBounded([0, 1, 2, 3], 2, async (index) => {
      if (index === 0) throw new TypeError("no");
      await Promise.resolve();
      done.push(index);
    });
    await expect(work).rejects.toThrow("no");
    expect(done).toEqual([1]);
  });
});
