import { expect, test } from "vitest";
import { checkCitations } from "./citation.ts";

const passage = {
  id: "p1",
  source: "/readme.md",
  startLine: 870,
  text: `## Browser support

The library is not meant for browsers.
Set \`dangerouslyAllowBrowser\` to true to use it there all the same.

<details>
<summary>More explanation</summary>

A key in a browser can be stolen. Requests time out after 10 minutes. They are retried 2 times by default.
`,
};
const cite = (answer: string) => checkCitations(answer, [passage]);
const linesOf = (answer: string) => cite(answer).citations.map(({ startLine }) => startLine);

test("a mark behind several sentences cites each that the passage holds, as they stand in the file", () => {
  const { citations, unverified } = cite(
    "They are retried 2 times by default. Set `dangerouslyAllowBrowser` to true to use it there all the same. [p1]",
  );
  expect(citations).toEqual([
    {
      source: "/readme.md",
      startLine: 873,
      endLine: 873,
      quote: "Set `dangerouslyAllowBrowser` to true to use it there all the same.",
    },
    { source: "/readme.md", startLine: 878, endLine: 878, quote: "They are retried 2 times by default." },
  ]);
  expect(unverified).toEqual([]);
});

test("tags, pictures and links are cited only when there is nothing else", () => {
  const markup = "<details>\n<summary>More explanation</summary>";
  expect(linesOf(`Set \`dangerouslyAllowBrowser\` to true to use it there all the same.\n\n${markup}\n[p1]`)).toEqual([
    873,
  ]);
  expect(linesOf(`${markup} [p1]`)).toEqual([875]);
});

test("sentences that the passage does not hold word for word, and those before an earlier mark, give no place", () => {
  expect(linesOf("I looked for retries and browsers. They are retried 2 times by default [p1].")).toEqual([878]);
  const two =
    "Set `dangerouslyAllowBrowser` to true to use it there all the same [p0]. A key in a browser can be stolen [p1].";
  expect(linesOf(two)).toEqual([878]);
});

test("a mark whose last sentence is not in the passage stays unverified, whatever stands before it", () => {
  const { citations, unverified } = cite("Requests time out after 10 minutes. Bananas grow on blue trees. [p1]");
  expect(citations.map(({ quote }) => quote)).toEqual(["Requests time out after 10 minutes."]);
  expect(unverified).toEqual([{ id: "p1", reason: "unsupported", sentence: "Bananas grow on blue trees." }]);
});

test("one mark cites four places at most, those that tell most", () => {
  const text = Array.from(
    { length: 9 },
    (_, index) => `Walnut tree number ${index} has grown${" very".repeat(index)} old${index}.`,
  ).join("\n");
  const { citations } = checkCitations(`${text} [p1]`, [{ ...passage, text }]);
  expect(citations).toHaveLength(4);
});
