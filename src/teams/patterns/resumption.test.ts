import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAtlas } from "../../app/index.ts";
import type { Atlas } from "../../app/index.ts";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { RunHandle, Workflow } from "../../runs/index.ts";
import { workflow } from "../../runs/index.ts";
import type { AnyTeam } from "../team.ts";
import { blackboard, controller, debate, handOver, handoff, mapReduce, parallel, sequential, vote } from "./index.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-patterns-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Members that count how often they work; those that are held do not get beyond it until they are let go. */
function crew() {
  const done: string[] = [];
  const held = new Set<string>();
  const reached = Promise.withResolvers<void>();
  const member = (name: string, work: (input: JsonValue) => JsonValue = () => name): Workflow =>
    workflow({
      name,
      run: async (context, input: JsonValue) =>
        await context.step("work", async ({ signal }) => {
          const key = `${name} ${JSON.stringify(input)}`;
          if ([...held].some((each) => key.startsWith(each))) {
            reached.resolve();
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          }
          done.push(key);
          return work(input);
        }),
    });
  return { done, held, reached: reached.promise, member };
}

/** Waits until the run's log says so often that a member answered. */
async function answers(run: RunHandle<unknown>, wanted: number): Promise<void> {
  let seen = 0;
  if (wanted === 0) return;
  for await (const { type } of run.events()) if (type === "member.answered" && ++seen === wanted) return;
}

interface Scene {
  readonly team: AnyTeam;
  /** Whom to hold until the stop, and how many answers there are then. */
  readonly hold: string;
  readonly before: number;
  readonly calls: number;
}

type MakeScene = (member: ReturnType<typeof crew>["member"]) => Scene;

const scenes: readonly (readonly [string, MakeScene])[] = [
  [
    "sequential",
    (member) => ({
      team: sequential({ name: "t", members: [member("a"), member("b"), member("c")] }),
      hold: "b",
      before: 1,
      calls: 3,
    }),
  ],
  [
    "parallel",
    (member) => ({
      team: parallel({ name: "t", members: { a: member("a"), b: member("b"), c: member("c"), d: member("d") } }),
      hold: "b",
      before: 3,
      calls: 4,
    }),
  ],
  [
    "first wins",
    (member) => ({
      team: parallel({
        name: "t",
        members: { a: member("a"), b: member("b") },
        policy: "first wins",
      }),
      hold: "",
      before: 0,
      calls: 1,
    }),
  ],
  [
    "mapReduce",
    (member) => ({
      team: mapReduce({
        name: "t",
        split: () => [1, 2, 3, 4, 5],
        map: member("m", (n) => Number(n) * 10),
        reduce: (all) => all.map(({ output }) => output),
        concurrency: 2,
      }),
      hold: "m 2",
      before: 4,
      calls: 5,
    }),
  ],
  [
    "debate",
    (member) => ({
      team: debate({ name: "t", sides: [member("a"), member("b")], judge: member("j"), rounds: 2 }),
      hold: "j",
      before: 4,
      calls: 5,
    }),
  ],
  [
    "vote",
    (member) => ({
      team: vote({ name: "t", voters: [member("a"), member("b"), member("c")], choices: ["a", "b", "c"] }),
      hold: "c",
      before: 2,
      calls: 3,
    }),
  ],
  [
    "handoff",
    (member) => ({
      team: handoff({ name: "t", members: [member("a", () => handOver("b", "Yours.")), member("b")] }),
      hold: "b",
      before: 1,
      calls: 2,
    }),
  ],
  [
    "blackboard",
    (member) => ({
      team: blackboard<{ readonly a: string; readonly b: string }>({
        name: "t",
        state: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as never }) } },
        initial: { a: "", b: "" },
        members: [
          { member: member("a"), write: "a" },
          { member: member("b"), write: "b" },
        ],
        until: ({ b }) => b !== "",
      }),
      hold: "b",
      before: 1,
      calls: 2,
    }),
  ],
  [
    "controller",
    (member) => ({
      team: controller({
        name: "t",
        workers: [{ member: member("a"), replicas: 2 }, member("b")],
        split: () => ["one", "two", "three", "four"],
      }),
      hold: 'a "three"',
      before: 3,
      calls: 4,
    }),
  ],
];

describe("an interrupted team", () => {
  it.each(scenes)(
    "of the pattern %s goes on, asks nobody again who answered, and tells nothing twice",
    async (_, make) => {
      const { done, held, reached, member } = crew();
      const { team, hold, before, calls } = make(member);
      if (hold === "") return await expectFirst(team, done);
      held.add(hold);
      let id: string;
      {
        await using atlas = await open(team);
        const run = await atlas.start(team, "Go.");
        id = run.id;
        await Promise.all([reached, answers(run, before)]);
      }
      expect(done).toHaveLength(before);
      held.clear();
      await using atlas = await open(team);
      const run = await atlas.runs.open(id);
      await run.resume();
      await run.result();
      expect(done).toHaveLength(calls);
      expect(new Set(done).size).toBe(calls);
      const log = await Array.fromAsync(run.events({ live: false }));
      const told = (type: string) => log.filter((event) => event.type === type);
      expect(told("member.asked")).toHaveLength(calls);
      expect(told("member.answered")).toHaveLength(calls);
      const own = log.filter(({ type }) =>
        /^(?:team|round|statement|vote|handover|entry|worker|goal|items)\./.test(type),
      );
      const words = own.map(({ type, data }) => `${type} ${JSON.stringify(data)}`);
      expect(words.filter((each, at) => words.indexOf(each) !== at)).toEqual([]);
    },
  );
});

async function open(team: AnyTeam): Promise<Atlas> {
  return await createAtlas({ directory: folder, environment: {}, teams: [team], recover: false });
}

/** Whoever was first stays the first, though all answers are there when the run is forked. */
async function expectFirst(team: AnyTeam, done: readonly string[]): Promise<void> {
  await using atlas = await open(team);
  const run = await atlas.start(team, "Go.");
  const result = (await run.result()) as { readonly output: JsonObject };
  const forked = await run.fork();
  expect(((await forked.result()) as { readonly output: JsonObject }).output).toEqual(result.output);
  expect(done.length).toBeGreaterThan(0);
}
