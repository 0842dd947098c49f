import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { fakeIo } from "../../test/lib/fake-io.ts";
import { agent } from "../agents/index.ts";
import { createAtlas } from "../app/index.ts";
import { scripted } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import { main } from "./main.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-cli-agents-"));
  write("agents/guide/agent.md", guide);
  write("agents/scout/agent.mjs", scout);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const environment = { OLLAMA_HOST: "127.0.0.1:9" };
const guide = `---
description: Plans a day out.
version: 1.2.0
tools: [weather]
capabilities: { travel: 0.8 }
requires: { agents: { scout: ^1.0.0 } }
---
Plan a day out.
`;
const scout = `export const weather = { kind: "tool", name: "weather", description: "Tells the weather.", permissions: ["net"],
  input: { "~standard": { version: 1, vendor: "t", validate: (value) => ({ value }), jsonSchema: { input: () => ({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }) } } },
  run: () => "sun" };
export default { kind: "agent", name: "scout", capabilities: ["travel"], deprecated: { use: "guide" } };
`;

function write(name: string, text: string): void {
  mkdirSync(dirname(join(directory, name)), { recursive: true });
  writeFileSync(join(directory, name), text);
}

async function atlas(...argv: string[]) {
  const io = fakeIo({ directory, environment });
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
}

async function json(...argv: string[]): Promise<unknown> {
  const { out } = await atlas(...argv, "--json");
  return JSON.parse(out);
}

test("agents are listed with versions, capabilities and where they come from", async () => {
  const { code, out } = await atlas("agents", "list");
  expect(code).toBe(0);
  expect(out).toContain("guide 1.2.0  Plans a day out.  agents/guide/agent.md");
  expect(out).toContain("scout 1.0.0 deprecated  travel  agents/scout/agent.mjs");
  expect(await json("agents", "list")).toMatchObject({
    agents: [
      { name: "assistant", source: "built in" },
      { name: "guide", version: "1.2.0", tools: [{ name: "weather", version: "1.0.0" }], id: "guide", kind: "agent" },
      { name: "scout", capabilities: { travel: 1 }, deprecated: { use: "guide" } },
    ],
  });
});

test("an agent is shown whole, by name or by a range; one that is not there ends with 4", async () => {
  const { out } = await atlas("agents", "show", "guide@^1.0.0");
  for (const words of ["travel 0.8", "weather 1.0.0", "scout ^1.0.0", "Plan a day out."]) expect(out).toContain(words);
  expect(await json("agents", "show", "guide")).toMatchObject({
    name: "guide",
    instructions: "Plan a day out.",
    versions: ["1.2.0"],
  });
  expect(await atlas("agents", "show", "guide@^2")).toMatchObject({
    code: 4,
    err: expect.stringContaining("there is 1.2.0") as string,
  });
  expect((await atlas("agents", "show", "gone")).code).toBe(4);
});

test("a query gives those that can do it, and ends with 4 where there is none", async () => {
  expect(await json("agents", "query", "--capability", "travel")).toMatchObject({
    matches: [
      { name: "guide", score: 0.8, deprecated: false },
      { name: "scout", score: 1, deprecated: true },
    ],
  });
  expect((await atlas("agents", "query", "--capability", "travel", "--tool", "weather@^1.0.0")).out).toContain(
    "0.80 guide 1.2.0  travel 0.8",
  );
  expect((await atlas("agents", "query", "--capability", "sailing")).code).toBe(4);
  expect((await atlas("agents", "query", "--tool", "weather@^2")).code).toBe(4);
});

test("a check ends with 0 where all is well or only odd, and with 2 where an agent cannot work", async () => {
  expect((await atlas("agents", "check")).code).toBe(0);
  expect(await json("agents", "check")).toMatchObject({
    ok: true,
    agents: 3,
    problems: [{ kind: "deprecated", level: "warning" }],
  });
  write("agents/broken/agent.mjs", `throw new Error("no luck today");`);
  write("agents/lead/agent.md", "---\nrequires: { tools: { weather: ^2.0.0 } }\n---\nLead.");
  const { code, out, err } = await atlas("agents", "check");
  expect(code).toBe(2);
  expect(out).toContain("no luck today");
  expect(out).toContain("lead requires the tool weather in ^2.0.0, and there is 1.0.0.");
  expect(err).toContain("2 errors, 1 warning");
});

test("tools are listed, and documented on a page or as data", async () => {
  expect((await atlas("tools", "list")).out).toContain("weather 1.0.0 net  Tells the weather.  guide");
  expect(await json("tools", "list")).toMatchObject({
    tools: [{ name: "weather", permissions: ["net"], agents: ["guide"] }],
  });
  const { out } = await atlas("tools", "docs");
  expect(out).toContain("| `city` | string | yes |");
  expect(await json("tools", "docs")).toMatchObject({ tools: [{ name: "weather", input: { required: ["city"] } }] });
  await atlas("tools", "docs", "--out", "docs/all-tools.md");
  expect(readFileSync(join(directory, "docs", "all-tools.md"), "utf8")).toBe(out);
});

test("what tools were used for is told from the logs of runs, also of a program that has ended", async () => {
  const model = scripted([
    {
      toolCalls: [
        { name: "add", input: { a: 1 } },
        { name: "add", input: { a: "one" } },
        { name: "gone", input: {} },
      ],
    },
    "done",
  ]);
  const add = tool({ name: "add", input: z.object({ a: z.number() }), run: ({ a }) => a + 1 });
  await using program = await createAtlas({
    directory,
    environment,
    agents: [agent<unknown>({ name: "adder", model, tools: [add] })],
  });
  await (await program.start("adder", "Add one.")).result();
  expect(program.tools.use()).toMatchObject([{ tool: "add", calls: 2, failed: 1 }]);
  expect(await json("tools", "usage")).toMatchObject({
    runs: 1,
    use: [{ agent: "adder", tool: "add", calls: 2, failed: 1, failures: { tool_input_invalid: 1 } }],
  });
  expect((await atlas("tools", "usage")).out).toContain("1 failed (tool_input_invalid 1)");
});
