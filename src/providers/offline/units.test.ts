import fc from "fast-check";
import { expect, test } from "vitest";
import type { Passage } from "../passage.ts";
import { unitsOf } from "./units.ts";

const passage = (text: string, source = "guide.md"): Passage => ({
  id: "p1",
  source,
  startLine: 1,
  endLine: 9,
  score: 1,
  text,
});

const markdown = `# Guide
<!-- YAML
added: v1
-->
![badge](x.png)
- [Start](#start)

The server starts
on a port. It waits.

Options are:

* \`port\` the port. **Default:** \`80\`.
  Must be free.
  * \`host\` the host.

| Name | Meaning |
|------|---------|
| \`A\` | first |

> [!NOTE]
> Be careful here.

\`\`\`js
start();
\`\`\`
[1]: https://example.org`;

test("Markdown is cut into sentences, items, rows and code, and leaves decoration out", () => {
  const units = unitsOf(passage(markdown));
  expect(units.map((unit) => [unit.kind, unit.text])).toEqual([
    ["sentence", "The server starts\non a port."],
    ["sentence", "It waits."],
    ["sentence", "Options are:"],
    ["item", "* `port` the port. **Default:** `80`.\n  Must be free."],
    ["item", "* `host` the host."],
    ["row", "| `A` | first |"],
    ["sentence", "Be careful here."],
    ["code", "```js\nstart();\n```"],
  ]);
  expect(units[3]?.context).toContain("Options are:");
  expect(units[4]?.context).toContain("`port`");
  expect(units[5]?.context).toContain("Meaning");
  expect(units[0]?.context).toBe("Guide");
});

test("code whose beginning was cut off is code, decoration is nothing", () => {
  const units = unitsOf(passage("  stop();\n}\n```\nThen it ends.\n\n<a href='x'><img src='y'></a> ![z](w)"));
  expect(units.map((unit) => [unit.kind, unit.text])).toEqual([
    ["code", "  stop();\n}\n```"],
    ["sentence", "Then it ends."],
  ]);
  expect(unitsOf(passage("```\nstart();")).map((unit) => unit.kind)).toEqual(["code"]);
  expect(unitsOf(passage("Call it so:\n\n```\nstart();")).map((unit) => unit.kind)).toEqual(["sentence", "code"]);
});

test("source code is cut at blank lines", () => {
  expect(unitsOf(passage("const a = 1;\nconst b = 2;\n\nexport { a };", "a.ts")).map((unit) => unit.kind)).toEqual([
    "code",
    "code",
  ]);
});

test("a long item is cut into its sentences, a heading closes the one of its level", () => {
  const units = unitsOf(passage(`## A\n### B\n## C\n- ${"One more sentence here. ".repeat(40)}`));
  expect(units.length).toBeGreaterThan(10);
  expect(units[0]?.context.startsWith("C")).toBe(true);
});

test("every unit stands in its passage character for character", () => {
  const line = fc.constantFrom(
    "# T",
    "- a b.",
    "  - c",
    "| x | y |",
    "|---|---|",
    "```",
    "text. More",
    "",
    "<!-- c",
    "-->",
    "> q",
    "[1]: u",
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 25 }), (lines) => {
      const text = lines.join("\n");
      for (const unit of unitsOf(passage(text))) expect(text).toContain(unit.text);
    }),
  );
});
