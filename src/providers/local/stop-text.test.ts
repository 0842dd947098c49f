import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStopText } from "./stop-text.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });

describe("a stop text", () => {
  it("ends what is shown right before it, however the text is cut", () => {
    fc.assert(
      fc.property(
        fc.array(letters),
        fc.array(
          letters.filter((stop) => stop !== ""),
          { maxLength: 3 },
        ),
        (pieces, stops) => {
          const whole = pieces.join("");
          // A filter sees the text grow: the stop that is complete first ends it.
          const ends = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
          const filter = createStopText(stops);
          const shown = pieces.map((piece) => filter.push(piece)).join("") + filter.flush();
          expect(filter.stopped).toBe(ends.length > 0);
          expect(whole.startsWith(shown)).toBe(true);
          if (ends.length === 0) expect(shown).toBe(whole);
          else for (const stop of stops) expect(shown).not.toContain(stop);
        },
      ),
    );
  });

  it("holds back only what may be its beginning", () => {
    const filter = createStopText(["END", ""]);
    expect(filter.push("the EN")).toBe("the ");
    expect(filter.push("D of it")).toBe("");
    expect(filter).toMatchObject({ stopped: true });
    expect(filter.push("more")).toBe("");
  });
});
