import fc from "fast-check";
import { expect, test } from "vitest";
import { createRollingCounts } from "./rolling-counts.ts";

test("what is in the window counts, and nothing older than it by more than a twentieth", () => {
  const steps = fc.array(fc.record({ afterMs: fc.nat(400), kind: fc.constantFrom("good", "bad") }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const counts = createRollingCounts<"good" | "bad">(2_000);
      const log: { kind: string; atMs: number }[] = [];
      let now = 0;
      for (const { afterMs, kind } of list) {
        now += afterMs;
        counts.add(kind, now);
        log.push({ kind, atMs: now });
        const since = (ms: number) => log.filter((entry) => entry.kind === "bad" && entry.atMs >= now - ms).length;
        expect(counts.count("bad", now)).toBeGreaterThanOrEqual(since(2_000));
        expect(counts.count("bad", now)).toBeLessThanOrEqual(since(2_100));
      }
      expect(counts.count("good", now + 2_200)).toBe(0);
    }),
  );
});
