import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolvePlan } from "./plan.ts";

describe("a plan of runs", () => {
  it("gives the places of those that each run needs", () => {
    expect(resolvePlan([{ ref: "a" }, { needs: ["a", "c", "a"] }, { ref: "c", needs: ["a"] }])).toEqual([
      [],
      [0, 2],
      [0],
    ]);
  });

  it("is refused when two runs have one ref", () => {
    expect(() => resolvePlan([{ ref: "a" }, { ref: "a" }])).toThrow('Two of the planned runs have the ref "a"');
  });

  it("is refused when a run needs one that is not in it", () => {
    expect(() => resolvePlan([{ ref: "a", needs: ["b"] }])).toThrow(
      expect.objectContaining({ code: "dependency_unknown", details: { ref: "b" } }),
    );
  });

  it("is refused when runs need each other in a circle, which the error names", () => {
    const plan = [
      { ref: "free" },
      { ref: "a", needs: ["free", "c"] },
      { ref: "b", needs: ["a"] },
      { ref: "c", needs: ["b"] },
    ];
    expect(() => resolvePlan([...plan, { needs: ["a"] }])).toThrow(
      expect.objectContaining({ code: "dependency_cycle", details: { cycle: ["a", "c", "b", "a"] } }),
    );
    expect(() => resolvePlan([{ ref: "own", needs: ["own"] }])).toThrow("own → own");
  });

  it("is refused just when it has a circle, whatever its form", () => {
    const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const nodes = Array.from({ length: 10 }, (_, place) => ({
          ref: String(place),
          needs: pairs.filter(([from]) => from === place).map(([, to]) => String(to)),
        }));
        const reach = pairs.map(([from, to]) => `${from}>${to}`);
        const closed = new Set(reach);
        for (let via = 0; via < 10; via++)
          for (let from = 0; from < 10; from++)
            for (let to = 0; to < 10; to++)
              if (closed.has(`${from}>${via}`) && closed.has(`${via}>${to}`)) closed.add(`${from}>${to}`);
        const hasCycle = nodes.some((_, place) => closed.has(`${place}>${place}`));
        let refused = false;
        try {
          resolvePlan(nodes);
        } catch {
          refused = true;
        }
        expect(refused).toBe(hasCycle);
      }),
    );
  });
});
