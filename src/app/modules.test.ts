import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { loadModules } from "./modules.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-modules-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const failure = (path: string, why: string) => ({
  code: "module_failed",
  message: `The module ${path} cannot be used: ${why}.`,
  details: { path },
});

test("what an export does when it is looked at is told with its file", async () => {
  const path = write("trap.mjs", `export const trap = new Proxy({}, { has() { throw new Error("no luck today"); } });`);
  await expect(loadModules([path])).rejects.toMatchObject(failure(path, "no luck today"));
});

test("what modules export is sorted by what it is, also inside lists", async () => {
  const path = write(
    "all.mjs",
    `export const tools = [{ kind: "tool", name: "a" }, { kind: "tool", name: "b" }];
     export default { kind: "agent", name: "guide" };
     export const crew = { kind: "team", name: "crew" };
     export const guides = { kind: "agent-factory", name: "guides" };
     export const review = { kind: "graph", name: "review" };
     export const flow = { kind: "workflow", name: "flow" };
     export const house = { name: "house", listModels: async () => [] };
     export const unrelated = [null, 5, "tool", () => 1, { kind: "other" }];`,
  );
  const defined = await loadModules([path]);
  const names = Object.fromEntries(
    Object.entries(defined).map(([kind, list]) => [kind, (list as { name: string }[]).map(({ name }) => name)]),
  );
  expect(names).toEqual({
    agents: ["guide"],
    factories: ["guides"],
    teams: ["crew"],
    graphs: ["review"],
    tools: ["a", "b"],
    workflows: ["flow"],
    providers: ["house"],
  });
});

test("a pattern loads every file that fits, in the order of their names", async () => {
  for (const name of ["b", "a", "c"])
    write(`tools/${name}.mjs`, `export const made = { kind: "tool", name: "${name}" };`);
  const { tools } = await loadModules([join(folder, "tools", "*.mjs")]);
  expect(tools.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("a file in a folder whose name looks like a pattern is found", async () => {
  const path = write("[project]/tool.mjs", `export const made = { kind: "tool", name: "a" };`);
  expect((await loadModules([path])).tools).toHaveLength(1);
});

test("no module at all defines nothing", async () => {
  const nothing = { agents: [], factories: [], teams: [], graphs: [], tools: [], workflows: [], providers: [] };
  expect(await loadModules([])).toEqual(nothing);
});

test("a module that throws is named with its own words", async () => {
  const path = write("throws.mjs", `throw new Error("no luck today.");`);
  await expect(loadModules([path])).rejects.toMatchObject(failure(path, "no luck today"));
});

test("a module that throws no error is named too", async () => {
  const path = write("odd.mjs", `throw "just words";`);
  await expect(loadModules([path])).rejects.toMatchObject(failure(path, "just words"));
});

test("a module that never finishes loading is named after ten seconds", async () => {
  const path = write("waits.mjs", "await new Promise(() => {});");
  const clock = manualClock();
  const loading = loadModules([path], clock);
  await clock.waitForSleepers(1);
  void clock.advance(10_000);
  await expect(loading).rejects.toMatchObject(
    failure(path, "it has not finished loading after 10 seconds; look for an await that never ends"),
  );
});

test("loading leaves no timer behind", async () => {
  const clock = manualClock();
  await loadModules([write("tool.mjs", `export const made = { kind: "tool", name: "a" };`)], clock);
  expect(clock.sleeping).toBe(0);
});

test("a module with a syntax error is named", async () => {
  const path = write("broken.mjs", `export const = 5`);
  await expect(loadModules([path])).rejects.toMatchObject({ code: "module_failed", details: { path } });
});

test("a module that exports nothing of use is named", async () => {
  const path = write("empty.mjs", `export const answer = 42;`);
  await expect(loadModules([path])).rejects.toMatchObject(
    failure(path, "it exports no agent, team, graph, tool, workflow or provider"),
  );
});

test.each(["gone.mjs", "none/*.mjs"])("%s, which is not there, is named", async (name) => {
  const path = join(folder, name);
  await expect(loadModules([path])).rejects.toMatchObject(failure(path, "there is no such file"));
});
