import fc from "fast-check";
import { expect, test } from "vitest";
import type { Scanner } from "./block.ts";
import { initialState } from "./block.ts";
import { chunkPart } from "./chunk.ts";
import { scannerOf } from "./format.ts";
import { scanHtml } from "./html.ts";
import { scanMarkdown } from "./scan-markdown.ts";

const formats = ["markdown", "text", "code", "json", "csv"] as const;
const line = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "# Heading",
    "## Sub `code`",
    "```ts",
    "```",
    "~~~",
    "| a | b |",
    "|---|---|",
    "| 1 | 2 |",
    "Title",
    "===",
    "---",
  ),
  fc.constantFrom(
    "function find(a, b) {",
    "  class Box {",
    "}",
    "def f():",
    '{"a": [1, 2, {"b": "c,d"}],',
    "a,b,c",
    '"x\ny",2',
    "- item",
    "\t",
  ),
  fc.string({ unit: "grapheme", maxLength: 120 }),
  fc.string({ minLength: 200, maxLength: 900 }),
);
const documents = fc.array(line, { maxLength: 60 }).map((lines) => lines.join("\n"));

test("chunks hold every character but white space once, within the limit, at their offsets and lines", () => {
  fc.assert(
    fc.property(documents, fc.constantFrom(...formats), (text, format) => {
      const limits = { target: 300, max: 400 };
      const { chunks } = chunkPart(text, { scan: scannerOf(format), state: initialState, limits });
      const held = text.split("");
      let last = 0;
      for (const chunk of chunks) {
        expect(chunk.start).toBeGreaterThanOrEqual(last);
        expect(chunk.text).toBe(text.slice(chunk.start, chunk.end));
        expect(chunk.text.length).toBeLessThanOrEqual(limits.max);
        expect(chunk.startLine).toBe(text.slice(0, chunk.start).split("\n").length);
        expect(chunk.endLine).toBe(text.slice(0, chunk.end).split("\n").length);
        for (let index = chunk.start; index < chunk.end; index++) held[index] = " ";
        last = chunk.end;
      }
      expect(held.join("").trim()).toBe("");
    }),
    { numRuns: 300 },
  );
});

test("a part goes on with the offsets, lines and headings of the part before it", () => {
  const first = chunkPart("# One\n\n## Two\n\ntext\n", { scan: scanMarkdown, state: initialState });
  const second = chunkPart("more\n", { scan: scanMarkdown, state: first.state, origin: { offset: 21, line: 6 } });
  expect(second.chunks).toMatchObject([
    { start: 21, startLine: 6, endLine: 6, headings: ["One", "Two"], text: "more" },
  ]);
});

test("a code fence and a table that fit stay whole", () => {
  const fence = `\`\`\`js\n${"call();\n\n".repeat(30)}\`\`\``;
  const table = `| name | use |\n|---|---|\n${"| row | cell |\n".repeat(20)}`;
  const text = `${"Words before. ".repeat(15)}\n\n${fence}\n\n${"Words between. ".repeat(15)}\n\n${table}`;
  const { chunks } = chunkPart(text, { scan: scanMarkdown, state: initialState, limits: { target: 350, max: 400 } });
  expect(chunks.some((chunk) => chunk.text.includes(fence))).toBe(true);
  expect(chunks.some((chunk) => chunk.text.includes(table.trim()))).toBe(true);
});

test("each piece of a long table carries its header row", () => {
  const table = `| name | use |\n|---|---|\n${"| row | cell |\n".repeat(100)}`;
  const { chunks } = chunkPart(table, { scan: scanMarkdown, state: initialState, limits: { target: 350, max: 400 } });
  expect(chunks.length).toBeGreaterThan(2);
  expect(chunks.every((chunk) => chunk.context.startsWith("| name | use |"))).toBe(true);
});

test("a heading stays with the text that follows it", () => {
  const text = `${"Filler text. ".repeat(25)}\n\n## Next\n\n${"Its words. ".repeat(30)}`;
  const { chunks } = chunkPart(text, { scan: scanMarkdown, state: initialState, limits: { target: 350, max: 400 } });
  expect(chunks.map((chunk) => chunk.text.startsWith("## Next")).filter(Boolean)).toHaveLength(1);
  expect(chunks.find((chunk) => chunk.text.startsWith("## Next"))?.text).toContain("Its words.");
});

test("a text without any break is cut at the limit, never within a character", () => {
  const scan: Scanner = scanHtml({ text: "", title: undefined, headings: [] });
  const { chunks } = chunkPart("😀".repeat(500), { scan, state: initialState, limits: { target: 101, max: 120 } });
  expect(chunks.map((chunk) => chunk.text).join("")).toBe("😀".repeat(500));
  for (const chunk of chunks) expect(chunk.text).toMatch(/^(?:😀)+$/u);
});
