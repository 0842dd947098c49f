import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { JsonObject, RunEvent } from "../src/index.ts";
import { createAtlas } from "../src/index.ts";

const program = fileURLToPath(new URL("./manager/crew.ts", import.meta.url));
const children = new Set<ChildProcess>();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-plan-"));
  writeFileSync(join(folder, "asked"), "");
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  rmSync(folder, { recursive: true });
});

function start(): ChildProcess {
  const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  return child;
}

const asked = (): readonly string[] => readFileSync(join(folder, "asked"), "utf8").split("\n").filter(Boolean);

async function killAt(count: number): Promise<void> {
  const child = start();
  while (asked().length < count && child.exitCode === null) await delay(5);
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function log(): Promise<RunEvent[]> {
  await using atlas = await createAtlas({ directory: folder, environment: {}, recover: false, worker: false });
  const [run] = await atlas.runs.list({ workflow: "team:crew" });
  return await Array.fromAsync((await atlas.runs.open(run?.id ?? "")).events({ live: false }));
}

const told = (events: readonly RunEvent[], type: string): readonly string[] =>
  events.flatMap((event) => (event.type === type ? [JSON.stringify((event.data as JsonObject)["id"])] : []));

/** Tells how often each of these tasks was asked for. */
const countsOf = (ids: readonly string[]): readonly number[] =>
  ids.map((id) => asked().filter((each) => JSON.stringify(each) === id).length);

it("a plan that is killed twice goes on: what was done is not asked again, and nothing is told twice", async () => {
  await killAt(9);
  const first = told(await log(), "task.completed");
  const firstCounts = countsOf(first);
  await killAt(asked().length + 5);
  const second = told(await log(), "task.completed");
  const secondCounts = countsOf(second);
  const last = start();
  let output = "";
  last.stdout?.on("data", (chunk) => (output += String(chunk)));
  await once(last, "close");
  const { isNew, text } = JSON.parse(output) as { isNew: boolean; text: string };
  expect(isNew).toBe(false);
  for (let task = 0; task < 12; task++) expect(text).toContain(`Result ${task}.`);
  const events = await log();
  for (const type of ["task.started", "task.completed"]) {
    expect(told(events, type)).toHaveLength(12);
    expect(new Set(told(events, type)).size).toBe(12);
  }
  expect(events.filter(({ type }) => type === "plan.made")).toHaveLength(1);
  expect([first.length > 0, second.length > first.length]).toEqual([true, true]);
  expect([countsOf(first), countsOf(second)]).toEqual([firstCounts, secondCounts]);
  expect(asked().filter((each) => each === "plan")).toHaveLength(1);
});
