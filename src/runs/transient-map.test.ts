import fc from "fast-check";
import { expect, it } from "vitest";
import { TransientMap } from "./transient-map.ts";

it("a map of what comes and goes holds what any map holds, in the same order", () => {
  const act = fc.record({
    act: fc.constantFrom("set", "delete"),
    key: fc.constantFrom("a", "b", "c"),
    value: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(act), (acts) => {
      const map = new TransientMap<number>();
      const model = new Map<string, number>();
      for (const { act: what, key, value } of acts) {
        if (what === "set") [map, model].forEach((each) => void each.set(key, value));
        else [map, model].forEach((each) => void each.delete(key));
        expect([map.has(key), map.get(key), map.size]).toEqual([model.has(key), model.get(key), model.size]);
      }
      expect([...map]).toEqual([...model]);
      expect([...map.keys()]).toEqual([...model.keys()]);
      expect([...map.values()]).toEqual([...model.values()]);
    }),
  );
});
