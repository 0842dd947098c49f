import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agent } from "../agents/index.ts";
import { createAtlas } from "../app/index.ts";
import type { Atlas } from "../app/index.ts";
import { scripted } from "../providers/index.ts";
import type { ScriptedTurn } from "../providers/index.ts";
import { workflow } from "../runs/index.ts";
import { team } from "./team.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-team-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): Promise<Atlas> => createAtlas({ directory: folder, environment: {} });
const saying = (...texts: string[]) => scripted(texts.map((text): ScriptedTurn => ({ text })));

test("a team asks its members as child runs and gives a result like an agent's", async () => {
  const writer = agent({ name: "writer", model: saying("A draft.") });
  const count = workflow({ name: "count", run: async (_, text: string) => text.length });
  const crew = team({
    name: "crew",
    members: [writer, count],
    async run(context, goal) {
      const draft = await context.ask(writer, goal);
      const length = await context.ask(count, draft.output);
      return { output: { draft: draft.output, length: length.output } };
    },
  });
  await using atlas = await open();
  const run = await atlas.start(crew, "Write.");
  const result = await run.result();
  expect(result.output).toEqual({ draft: "A draft.", length: 8 });
  expect([result.finishReason, result.model, result.steps]).toEqual(["stop", "team:crew", 1]);
  const children = await atlas.runs.list({ parentId: run.id });
  expect(children.map((child) => child.workflow).toSorted()).toEqual(["agent:writer", "count"]);
});

test("a team is a member of another team", async () => {
  const inner = team({ name: "inner", members: [], run: async (_, goal) => ({ output: `${goal}!` }) });
  const outer = team({
    name: "outer",
    members: [inner],
    run: async (context, goal) => ({ output: (await context.ask(inner, goal)).output }),
  });
  await using atlas = await open();
  expect((await (await atlas.start(outer, "Go")).result()).output).toBe("Go!");
});

test("two members of one name are refused, and so is a name that is none", () => {
  const one = agent({ name: "a" });
  const two = agent({ name: "a" });
  expect(() => team({ name: "t", members: [one, two], run: async () => ({ output: 1 }) })).toThrow(
    /two members named a/,
  );
  expect(() => team({ name: "no name", members: [], run: async () => ({ output: 1 }) })).toThrow(/team name/);
});
