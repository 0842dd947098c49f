import { fromMarkdown } from "mdast-util-from-markdown";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { describeTool, fieldsOf, renderToolDocs } from "./tool-docs.ts";
import { tool } from "./tool.ts";

const weather = tool({
  name: "weather",
  version: "2.1.0",
  description: "Tells the weather of a city.\nUse it before planning.",
  permissions: ["net"],
  requires: { geocode: "^1.0.0" },
  timeoutMs: 5_000,
  idempotent: true,
  approval: true,
  input: z.object({
    city: z.string().min(1).describe("Name of the city"),
    days: z.number().int().min(1).max(14).default(1),
    unit: z.enum(["C", "F"]).optional(),
    stops: z.array(z.object({ at: z.string() })).optional(),
  }),
  output: z.object({ sky: z.string() }),
  examples: [{ title: "Tomorrow", input: { city: "Lisbon" }, output: { sky: "clear" } }],
  run: () => ({ sky: "clear" }),
});

test("a tool is described by its own definition", async () => {
  expect(await describeTool(weather, ["guide"])).toMatchObject({
    name: "weather",
    version: "2.1.0",
    agents: ["guide"],
    permissions: ["net"],
    requires: { geocode: "^1.0.0" },
    timeoutMs: 5_000,
    idempotent: true,
    approval: "always",
    input: { type: "object" },
    output: { properties: { sky: { type: "string" } } },
    problems: [],
  });
});

test("the fields of a schema are listed with their limits, those inside others after them", async () => {
  const { input } = await describeTool(weather);
  expect(fieldsOf(input ?? {})).toEqual([
    { name: "city", type: "string", required: true, description: "Name of the city; characters at least 1" },
    { name: "days", type: "integer", required: false, description: "at least 1, at most 14, default 1" },
    { name: "unit", type: '"C" or "F"', required: false, description: "" },
    { name: "stops", type: "list of object", required: false, description: "" },
    { name: "stops[].at", type: "string", required: true, description: "" },
  ]);
});

test("the page has a table of all tools, and of each what it takes, gives, may do and an example", async () => {
  const page = renderToolDocs([await describeTool(weather, ["guide"])]);
  for (const words of [
    "| [weather](#weather) | 2.1.0 | Tells the weather of a city. |",
    "## weather",
    "| permissions | `net` |",
    "| time limit | 5,000 ms |",
    "| approval by a person | always |",
    "| requires | `geocode` ^1.0.0 |",
    "| agents that have it | guide |",
    "| `days` | integer | no | at least 1, at most 14, default 1 |",
    "### Output",
    "### Example: Tomorrow",
    '"city": "Lisbon"',
  ])
    expect(page).toContain(words);
  expect(renderToolDocs([])).toBe("# Tools\n\nThere are none.\n");
});

test("an example that does not fit, and a schema that cannot be told, are said and stop nothing", async () => {
  const odd = tool({
    name: "odd",
    input: { "~standard": { version: 1, vendor: "hand", validate: () => ({ issues: [{ message: "no luck" }] }) } },
    examples: [{ input: {} }],
    run: () => 1,
  });
  const doc = await describeTool(odd);
  expect(doc).toMatchObject({
    input: null,
    problems: ["The input of example 1 of the tool odd is not valid: no luck"],
  });
  expect(renderToolDocs([doc])).toContain("cannot be told");
});

test("no words of a tool break the page: it has the headings of the page and of the tool, and no others", async () => {
  const word = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("# no heading", "===", "---", "```", "~~~", "<b>", "|", "> said", "    code", "\r## none", "- one"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word), fc.jsonValue(), async (words, value) => {
      const description = words.join("\n");
      const input = z.any().describe(description);
      const made = tool({ name: "made", description, input, examples: [{ input: value }], run: () => 1 });
      const tree = fromMarkdown(renderToolDocs([await describeTool(made)]));
      const headings = tree.children.flatMap((node) => (node.type === "heading" && node.depth < 3 ? [node.depth] : []));
      expect(headings).toEqual([1, 2]);
    }),
    { numRuns: 300 },
  );
});
