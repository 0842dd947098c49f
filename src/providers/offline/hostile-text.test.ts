import { describe, expect, test } from "vitest";
import type { Message } from "../message.ts";
import { userMessage } from "../message.ts";
import { readEvidence } from "./evidence.ts";
import { answerAll } from "./select.ts";
import { unitsOf } from "./units.ts";
import { offline } from "./offline.ts";
import { sentencesOf } from "./sentences.ts";
import { splitGoal } from "./split.ts";
import { estimateTokens } from "./tokens.ts";
import { fits } from "./values.ts";

/**
 * Linear reading of 100 KB takes some tens of milliseconds; what grows with the square takes many seconds. The bound lies
 * far from both, so that a busy machine does not fail it.
 */
const boundMs = 2_500;
const length = 100_000;
const runs = [
  "-,|,`,[,],(,#,1,.,\",',“,\t,_,*,<,>,:,!,?,y,$,A,y ,Aa ,aB,漢,a.a.,a.a.a,\n- a,\n  - a,\n   ,\n<!--,\n```,\n| a |,# a\n".split(
    ",",
  ),
  "![,![](a) ,[](,e.g. ,A. ,`a. ,1_,. ,? ,default.,default ,size 1 ,> [!NOTE] ,jan ,|\u2028,\u2028 , ".split(","),
  [",", "1,"],
].flat();
const frames: readonly (readonly [string, string])[] = [
  ["", "x"],
  ["| a |\n", "x"],
  ["# ", "\u2028x"],
  ["![](a)", "x"],
  ["1", "x1"],
  ["Pool size is `", "x\n\nThe default pool size is 10, says Ada Smith."],
];

function hostile(run: string, [before, after]: readonly [string, string]): string {
  return before + run.repeat(Math.ceil(length / run.length)).slice(0, length) + after;
}

function spentMs(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

async function answerMs(text: string): Promise<number> {
  const goal = "What is the default pool size, how do I set it, who wrote it and when?";
  const passage = { id: "p1", source: "pool.md", startLine: 1, endLine: 1, score: 1, text };
  const messages: Message[] = [
    userMessage(goal),
    { role: "assistant", content: [{ type: "tool.call", id: "c1", name: "search", input: { query: goal } }] },
    { role: "tool", content: [{ type: "tool.result", id: "c1", name: "search", output: { passages: [passage] } }] },
  ];
  const start = performance.now();
  // What comes before the first delta is done in one turn of the event loop.
  for await (const part of offline().stream({ messages })) if (part.type === "text.delta") break;
  return performance.now() - start;
}

describe.each(runs.map((run) => [JSON.stringify(run), run] as const))("100 KB of %s", (_, run) => {
  test("in a passage does not hold up the event loop", async () => {
    for (const frame of frames)
      expect(await answerMs(hostile(run, frame)), JSON.stringify(frame)).toBeLessThan(boundMs);
  });

  test("are cut into units, sentences and tokens at once, also as source code", () => {
    for (const frame of frames) {
      const text = hostile(run, frame);
      const passage = { id: "p1", source: "a.ts", startLine: 1, endLine: 1, score: 1, text };
      expect(
        spentMs(() => unitsOf(passage)),
        JSON.stringify(frame),
      ).toBeLessThan(boundMs);
      expect(
        spentMs(() => sentencesOf(text)),
        JSON.stringify(frame),
      ).toBeLessThan(boundMs);
      expect(
        spentMs(() => estimateTokens(text)),
        JSON.stringify(frame),
      ).toBeLessThan(boundMs);
    }
  });

  test("fill a schema and stand in a goal without delay", () => {
    const text = hostile(run, ["compare ", " with x"]);
    expect(spentMs(() => splitGoal(text.slice(0, 4_000)))).toBeLessThan(boundMs);
    for (const format of ["email", "uri", "uuid"])
      expect(spentMs(() => fits(text, { type: "string", format }))).toBeLessThan(boundMs);
  });
});

test("a rule under the head of a table may be long, and is still none when something else stands in it", () => {
  const passage = (rule: string) => ({
    id: "p1",
    source: "a.md",
    startLine: 1,
    endLine: 3,
    score: 1,
    text: `| a |\n${rule}\n| b |`,
  });
  expect(unitsOf(passage(`|${"-".repeat(1_900)}|`)).map(({ kind, text }) => [kind, text])).toEqual([["row", "| b |"]]);
  expect(spentMs(() => unitsOf(passage(`${"-".repeat(1_900)}x`)))).toBeLessThan(500);
});

test("a goal of a thousand words is held against many short paragraphs at once", () => {
  const words = Array.from({ length: 800 }, (_, place) => `w${place.toString(36)}`).join(" ");
  const text = `# ${words}${"\n\naword".repeat(15_000)}`;
  const passage = { id: "p1", source: "a.md", startLine: 1, endLine: 1, score: 1, text };
  expect(spentMs(() => answerAll(splitGoal(words), readEvidence([passage])))).toBeLessThan(boundMs);
});

test("a comparison of many things is read at once", () => {
  const goal = `compare ${"a with b for ".repeat(150)}${"?".repeat(1_900)}\u2028x`;
  expect(spentMs(() => splitGoal(goal))).toBeLessThan(boundMs);
});
