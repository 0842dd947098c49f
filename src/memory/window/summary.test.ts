import { expect, it } from "vitest";
import { estimateTokens } from "../../providers/index.ts";
import type { ToolResultPart } from "../../providers/index.ts";
import { shortenResult } from "./shorten-result.ts";
import { extractiveSummary, transcriptOf } from "./summary.ts";
import { windowTokens } from "./window-policy.ts";

const result = (output: ToolResultPart["output"]): ToolResultPart => ({
  type: "tool.result",
  id: "a",
  name: "look",
  output,
});

it("a summary without a model keeps the sentences that the goal is about, as they stand, within its bound", () => {
  const filler = Array.from({ length: 200 }, (_, n) => `Nothing of note was seen at the gate in hour ${n}.`).join(" ");
  const text = `${filler} The kettle brews tea at 93 degrees. ${filler}`;
  const summary = extractiveSummary(text, "At how many degrees does the kettle brew?", 100);
  expect(summary).toContain("The kettle brews tea at 93 degrees.");
  expect(estimateTokens(summary)).toBeLessThanOrEqual(100);
});

it("a transcript tells who said, called and got what", () => {
  expect(
    transcriptOf([
      { role: "user", content: [{ type: "text", text: "Look." }] },
      { role: "assistant", content: [{ type: "tool.call", id: "a", name: "look", input: { at: 1 } }] },
      { role: "tool", content: [result({ found: 2 })] },
    ]),
  ).toBe('user: Look.\ncalled look with {"at":1}\nlook gave {"found":2}');
});

it("a result that is too large keeps its beginning and end, and says how much there was", () => {
  const whole = `first ${"x".repeat(50_000)} last`;
  const short = shortenResult(result(whole), 500);
  expect(short?.part.output).toMatch(
    /^first x+\n\[… shortened: \d+ of 50011 characters .*log of the run …\]\nx+ last$/s,
  );
  expect(short?.tokensAfter).toBeLessThanOrEqual(500);
  expect(shortenResult(result("short"), 500)).toBeUndefined();
});

it("of passages that are too many the first stay whole", () => {
  const passages = Array.from({ length: 20 }, (_, n) => ({ id: `p${n}`, text: "word ".repeat(100) }));
  const short = shortenResult(result({ passages }), 600);
  expect(short?.part.output).toMatchObject({ passages: [{ id: "p0" }, { id: "p1" }, { id: "p2" }] });
  expect(JSON.stringify(short?.part.output)).toContain("17 of 20 passages are left out");
});

it("a window leaves room for the answer, and a policy can only make it smaller", () => {
  const model = { contextTokens: 100_000, maxOutputTokens: 4_000 };
  expect(windowTokens({}, model)).toBe(86_000);
  expect(windowTokens({ maxTokens: 1_000 }, model)).toBe(1_000);
  expect(windowTokens({ maxTokens: 1_000_000 }, model)).toBe(86_000);
  expect(windowTokens({}, { contextTokens: null, maxOutputTokens: null })).toBe(Infinity);
});
