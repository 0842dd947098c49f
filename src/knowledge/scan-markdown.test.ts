import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";
import { expect, test } from "vitest";
import { initialState } from "./block.ts";
import { scanMarkdown } from "./scan-markdown.ts";

test("headings form a path, whatever marks they carry", () => {
  const { blocks, state } = scanMarkdown(
    "---\ntitle: Guide\n---\n# A [b](c)\n\ntext\n\nSub *x*\n---\n\nmore\n\n## `D`\nend\n",
    initialState,
  );
  expect(blocks.find((block) => block.headings.length === 2)?.headings).toEqual(["A b", "Sub x"]);
  expect(blocks.at(-1)?.headings).toEqual(["A b", "D"]);
  expect(state.title).toBe("Guide");
});

test("a heading within a fence is none", () => {
  const text = "```sh\n# not a heading\n```\n\nafter\n";
  const blocks = scanMarkdown(text, initialState).blocks.filter(
    (block) => text.slice(block.start, block.end).trim() !== "",
  );
  expect(blocks.map((block) => block.kind)).toEqual(["code", "text"]);
  expect(blocks.every((block) => block.headings.length === 0)).toBe(true);
});

test("a fence that a part leaves open is still open in the next", () => {
  const first = scanMarkdown("~~~\n# a\n", initialState);
  const second = scanMarkdown("# b\n~~~\n# c\n", first.state);
  expect(second.blocks.map((block) => block.kind)).toEqual(["code", "heading"]);
});

test("the headings of installed packages' README files are those of the syntax tree", () => {
  const root = join(import.meta.dirname, "../../node_modules");
  let same = 0;
  let all = 0;
  for (const name of readdirSync(root)) {
    const readme = join(root, name, "README.md");
    if (!existsSync(readme)) continue;
    const text = readFileSync(readme, "utf8");
    if (text.length > 40_000) continue;
    const tree = fromMarkdown(text);
    const wanted = tree.children.filter((node) => node.type === "heading").map((node) => node.position?.start.line);
    const found = scanMarkdown(text, initialState)
      .blocks.filter((block) => block.kind === "heading")
      .map((block) => text.slice(0, block.start).split("\n").length);
    all += wanted.length;
    same += wanted.filter((line) => line !== undefined && found.includes(line)).length;
  }
  expect(all).toBeGreaterThan(200);
  expect(same / all).toBeGreaterThan(0.98);
});
