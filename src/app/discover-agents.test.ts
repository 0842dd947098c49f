import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../agents/index.ts";
import { edge, end, graph, start } from "../graph/index.ts";
import { scripted } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { AtlasOptions } from "./atlas.ts";
import { createAtlas } from "./create-atlas.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-discover-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const warned: string[] = [];
const logger: Logger = { ...silentLogger, warn: (message) => void warned.push(message) };
beforeEach(() => void (warned.length = 0));
const open = (options: AtlasOptions = {}) =>
  createAtlas({ directory, environment: {}, logger, worker: false, ...options });

const described = `---
description: Plans a day out.
version: 1.2.0
model: offline/extractive
tools: [weather]
knowledge: [places]
capabilities:
  travel: 0.8
limits:
  maxSteps: 4
requires:
  agents: { scout: ^1.0.0 }
---

Plan a day out.
`;
const scout = `export const weather = { kind: "tool", name: "weather", run: () => "sun" };
export default { kind: "agent", name: "scout", version: undefined ?? "1.0.0", tools: [], instructions: "Scout.", knowledge: [], limits: {}, capabilities: {}, requires: {}, description: "" };`;

test("agents are found in the folders of the project, with the tools that these and modules export", async () => {
  write("agents/guide/agent.md", described);
  write("agents/scout/agent.mjs", scout);
  write("agents/notes/README.md", "No agent.");
  write("agents/loose.md", "No agent either.");
  await using atlas = await open();
  expect([...atlas.agents.keys()].toSorted()).toEqual(["assistant", "guide", "scout"]);
  expect(atlas.registry.get("guide")).toMatchObject({
    name: "guide",
    version: "1.2.0",
    description: "Plans a day out.",
    instructions: "Plan a day out.",
    model: "offline/extractive",
    tools: [{ name: "weather", version: "1.0.0" }],
    knowledge: [join(directory, "agents", "guide", "places")],
    capabilities: { travel: 0.8 },
    limits: { maxSteps: 4 },
    requires: { agents: { scout: "^1.0.0" } },
  });
  expect(await atlas.registry.check()).toEqual([]);
  expect(atlas.registry.list().map(({ name, source }) => [name, source])).toEqual([
    ["assistant", "built in"],
    ["guide", "agents/guide/agent.md"],
    ["scout", "agents/scout/agent.mjs"],
  ]);
  expect(atlas.tools.list().map(({ name }) => name)).toEqual(["weather"]);
  expect(warned).toEqual([]);
});

test("an agent that was found answers, and is found by a range of versions", async () => {
  write("agents/guide/agent.md", "---\nversion: 1.2.0\nmodel: offline/extractive\nknowledge: [places]\n---\nHelp.\n");
  write("agents/guide/places/lisbon.md", "# Lisbon\n\nThe tram 28 leaves from Martim Moniz.\n");
  await using atlas = await open();
  const run = await atlas.start("guide@^1.0.0", "Where does the tram 28 leave?");
  expect((await run.result()).text).toContain("Martim Moniz");
  await expect(atlas.start("guide@^2.0.0", "Where?")).rejects.toMatchObject({ code: "agent_missing" });
});

test("what cannot be used is told with its file, and the others are there", async () => {
  write("agents/broken/agent.mjs", `throw new Error("no luck today");`);
  write("agents/empty/agent.mjs", "export const answer = 42;");
  write("agents/one/agent.md", "---\nname: twin\n---\nOne.");
  write("agents/two/agent.md", "---\nname: twin\n---\nTwo.");
  write("agents/both/agent.md", "Both.");
  write("agents/both/agent.mjs", scout);
  write("agents/wrong/agent.md", "---\nmodle: a/b\nlimits:\n  maxSteps: 0\n---\nWrong.");
  await using atlas = await open();
  expect([...atlas.agents.keys()].toSorted()).toEqual(["assistant", "twin"]);
  const problems = await atlas.registry.check();
  const told = new Map(problems.map(({ source, message }) => [source, message]));
  expect(told.get("agents/broken/agent.mjs")).toContain("no luck today");
  expect(told.get("agents/empty/agent.mjs")).toContain("exports no agent");
  expect(told.get("agents/two/agent.md")).toContain("in agents/one/agent.md and in agents/two/agent.md");
  expect(told.get("agents/both/agent.mjs")).toContain("keep one of them");
  expect(told.get("agents/wrong/agent.md")).toContain("agents/wrong/agent.md:2: modle is no key; did you mean model?");
  expect(told.get("agents/wrong/agent.md")).toContain(
    "agents/wrong/agent.md:4: limits.maxSteps expected a whole number",
  );
  expect(problems).toHaveLength(5);
  expect(warned).toHaveLength(5);
});

test("a program that asks for a strict start gets none where anything is wrong, and hears of all of it", async () => {
  write("agents/broken/agent.mjs", `throw new Error("no luck today");`);
  write("agents/lead/agent.md", "---\nrequires: { agents: { gone: '*' } }\n---\nLead.");
  await expect(open({ strict: true })).rejects.toMatchObject({ code: "registry_invalid" });
  await expect(open({ strict: true })).rejects.toThrow(/no luck today[^]*lead requires the agent gone/);
});

test("an agent of the settings and one of a folder with the same name are a mistake; a program's own replaces both", async () => {
  write("agents/guide/agent.md", "Of the folder.");
  const settings = { agents: { guide: { instructions: "Of the settings." } } };
  await using atlas = await open({ settings });
  expect(atlas.agents.get("guide")?.instructions).toBe("Of the folder.");
  expect(await atlas.registry.check()).toMatchObject([{ kind: "duplicate", source: "settings", agent: "guide" }]);
  const own = agent<unknown>({ name: "guide" });
  await using program = await open({ settings, agents: [own] });
  expect(program.agents.get("guide")).toBe(own);
});

test("two agents of one name in modules are told with both files; the first is kept", async () => {
  for (const name of ["one", "two"])
    write(`${name}.mjs`, `export const made = { kind: "agent", name: "guide", instructions: "${name}" };`);
  await using atlas = await open({ settings: { modules: [join(directory, "*.mjs")] } });
  expect(atlas.agents.get("guide")?.instructions).toBe("one");
  const [problem] = await atlas.registry.check();
  expect([problem?.kind, problem?.message]).toEqual([
    "duplicate",
    "There are two agents named guide of version 1.0.0: in one.mjs and in two.mjs.",
  ]);
});

test("a file is read again: new runs have the new agent, and one that is broken leaves the old one", async () => {
  const path = write(
    "agents/guide/agent.mjs",
    `export const made = { kind: "agent", name: "guide", instructions: "old" };`,
  );
  await using atlas = await open();
  const before = atlas.agents.get("guide");
  const change = (text: string, seconds: number): void => {
    writeFileSync(path, text);
    utimesSync(path, seconds, seconds);
  };
  change(`export const made = { kind: "agent", name: "guide", instructions: "new" };`, 1_000);
  await atlas.registry.reload("guide");
  expect([before?.instructions, atlas.agents.get("guide")?.instructions]).toEqual(["old", "new"]);
  change("export const = 5;", 2_000);
  await expect(atlas.registry.reload("guide")).rejects.toMatchObject({ code: "module_failed" });
  expect(atlas.agents.get("guide")?.instructions).toBe("new");
});

test("a folder that every user may write to is not believed", async () => {
  write("agents/guide/agent.md", "Help.");
  chmodSync(join(directory, "agents"), 0o777);
  await using atlas = await open();
  expect(atlas.agents.has("guide")).toBe(false);
  expect(warned[0]).toContain("every user may");
});

test("a link to where every user may write is not believed", async () => {
  const shared = `export default { kind: "agent", name: "shared", instructions: "Help." };`;
  write("open/agent.mjs", shared);
  write("open/inner/agent.md", "Help.");
  write("mine/agent.md", "Help.");
  chmodSync(join(directory, "open"), 0o777);
  mkdirSync(join(directory, "agents", "file"), { recursive: true });
  symlinkSync(join(directory, "open", "agent.mjs"), join(directory, "agents", "file", "agent.mjs"));
  symlinkSync(join(directory, "open", "inner"), join(directory, "agents", "inner"));
  symlinkSync(join(directory, "mine"), join(directory, "agents", "linked"));
  await using atlas = await open();
  expect([...atlas.agents.keys()].toSorted()).toEqual(["assistant", "linked"]);
  expect(warned).toHaveLength(2);
});

test("the settings name another folder", async () => {
  write("crew/guide/agent.md", "Help.");
  write("agents/other/agent.md", "Help.");
  await using atlas = await open({ settings: { agentsFolder: "crew" } });
  expect([...atlas.agents.keys()]).toEqual(["guide", "assistant"]);
  await expect(open({ settings: { agentsFolder: "gone" } })).rejects.toMatchObject({ code: "settings_invalid" });
});

test("a tool whose permission the settings do not give is refused, and counted", async () => {
  write(
    "tool.mjs",
    `export const shell = { kind: "tool", name: "shell", permissions: ["shell"], input: { "~standard": { version: 1, vendor: "t", validate: (value) => ({ value }), jsonSchema: { input: () => ({}) } } }, run: () => "ran" };`,
  );
  const model = scripted([{ toolCalls: [{ name: "shell", input: {} }] }, "done"]);
  await using atlas = await open({ settings: { modules: [join(directory, "tool.mjs")], permissions: ["net"] } });
  const [shell] = atlas.tools.list();
  const run = await atlas.start(agent({ name: "guide", model, tools: shell ? [shell] : [] }), "Go");
  await run.result();
  const events = await Array.fromAsync(run.events());
  expect(events.find(({ type }) => type === "tool.failed")).toMatchObject({
    data: { error: { code: "tool_forbidden" } },
  });
  expect(atlas.tools.use()).toMatchObject([
    { agent: "guide", tool: "shell", calls: 1, failures: { tool_forbidden: 1 } },
  ]);
});

test("several versions of an agent are there at once, each started by name and range or by itself", async () => {
  const asking = (version: string) =>
    agent<unknown>({
      name: "guide",
      version,
      model: scripted([{ toolCalls: [{ name: "wait", input: {} }] }, `I am ${version}.`]),
      tools: [tool({ name: "wait", input: z.object({}), run: () => "waited" })],
    });
  const [old, fresh] = [asking("1.0.0"), asking("2.0.0")];
  await using atlas = await open({ agents: [fresh, old] });
  for (const [target, text] of [
    ["guide", "I am 2.0.0."],
    ["guide@^1.0.0", "I am 1.0.0."],
    [old, "I am 1.0.0."],
  ] as const) {
    const run = await atlas.start(target, "Who are you?");
    expect((await run.result()).text).toBe(text);
  }
  expect(atlas.agents.get("guide")).toBe(fresh);
});

test.each(["1.1.0", "1.0.0"])(
  "a run of %s that was cut off goes on with its own version, though there is a newer one",
  async (own) => {
    let isCutOff = true;
    let waits: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (waits = resolve));
    const wait = tool({
      name: "wait",
      input: z.object({}),
      run: async (_, { signal }) => {
        waits?.();
        if (isCutOff)
          await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        return "waited";
      },
    });
    const guide = (version: string) =>
      agent<unknown>({
        name: "guide",
        version,
        model: scripted([{ toolCalls: [{ name: "wait", input: {} }] }, `I am ${version}.`]),
        tools: [wait],
      });
    const before = await open({ agents: [guide(own)] });
    const { id } = await before.start("guide", "Who are you?");
    await waiting;
    await before.close();
    isCutOff = false;
    await using after = await open({ agents: [guide("2.0.0"), guide(own)] });
    expect(await (await after.runs.open(id)).result()).toMatchObject({ text: `I am ${own}.` });
  },
);

test("what is no text is told, and what is no folder or no file is passed over", async () => {
  write("agents/odd/agent.md", "");
  writeFileSync(join(directory, "agents", "odd", "agent.md"), Buffer.from([0x2d, 0xff, 0xfe]));
  write("agents/large/agent.md", "x".repeat(1024 * 1024 + 1));
  mkdirSync(join(directory, "agents", "folder", "agent.md"), { recursive: true });
  await using atlas = await open();
  expect([...atlas.agents.keys()]).toEqual(["assistant"]);
  const messages = (await atlas.registry.check()).map(({ message }) => message);
  expect(messages).toEqual([
    "agents/large/agent.md cannot be read: it has more than 1 MiB.",
    "agents/odd/agent.md cannot be read: it is not UTF-8 text.",
  ]);
  rmSync(join(directory, "agents"), { recursive: true });
  write("agents", "a file");
  await using other = await open();
  expect([...other.agents.keys()]).toEqual(["assistant"]);
});

test("a node of a graph that is a tool needs the program's permission too, and is counted", async () => {
  const shell = tool({
    name: "shell",
    permissions: ["shell"],
    input: z.object({}),
    output: z.object({}),
    run: () => ({}),
  });
  const made = graph({
    name: "deploy",
    state: z.object({}),
    nodes: { shell },
    edges: [start("shell"), edge("shell", end)],
  });
  await using atlas = await open({ settings: { permissions: ["net"] } });
  const run = await atlas.start(made, {});
  await expect(run.result()).rejects.toMatchObject({ code: "tool_forbidden" });
  expect(atlas.tools.use()).toMatchObject([{ agent: "graph:deploy", tool: "shell", failed: 1 }]);
});
