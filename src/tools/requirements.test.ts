import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { findCycles, findToolProblems } from "./requirements.ts";
import { tool } from "./tool.ts";

const made = (name: string, version: string, requires: Readonly<Record<string, string>> = {}) =>
  tool({ name, version, requires, input: z.object({}), run: () => name });

test("tools that have what they require have no problem", () => {
  expect(findToolProblems([made("a", "1.0.0", { b: "^2.1.0" }), made("b", "2.4.0")])).toEqual([]);
  expect(findToolProblems([made("a", "1.0.0", { search_documents: "*" })], ["search_documents"])).toEqual([]);
});

test("everything that is missing, too old or in a circle is found at once", () => {
  const tools = [
    made("a", "1.0.0", { b: "^2.0.0", gone: "*" }),
    made("b", "1.9.0", { c: "1.x" }),
    made("c", "1.0.0", { b: "*" }),
  ];
  expect(findToolProblems(tools)).toEqual([
    { tool: "a", kind: "version", message: "a requires b in ^2.0.0, and it is 1.9.0" },
    { tool: "a", kind: "missing", message: "a requires the tool gone (*)" },
    { tool: "b", kind: "cycle", message: "b requires c requires b" },
  ]);
});

test("a circle is found exactly where names cannot be put in an order", () => {
  const names = ["a", "b", "c", "d", "e"];
  const arrows = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names, "gone")), { maxLength: 10 });
  fc.assert(
    fc.property(arrows, (all) => {
      const graph = new Map(names.map((name) => [name, all.flatMap(([from, to]) => (from === name ? [to] : []))]));
      const cycles = findCycles(graph);
      for (const cycle of cycles) {
        for (const [index, name] of cycle.entries())
          expect(graph.get(name)).toContain(cycle[(index + 1) % cycle.length]);
      }
      expect(cycles.length > 0).toBe(!canBeOrdered(graph));
    }),
  );
});

/** Takes away, again and again, what leads to nothing that is left. */
function canBeOrdered(graph: ReadonlyMap<string, readonly string[]>): boolean {
  const left = new Set(graph.keys());
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const name of left) if (!graph.get(name)?.some((to) => left.has(to))) left.delete(name);
  }
  return left.size === 0;
}
