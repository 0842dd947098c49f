import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { textOf } from "../providers/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { openMemory } from "./index.ts";

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-memory-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
});

afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

it("a conversation is recalled in order, each run once, and only by its tenant and thread", async () => {
  const clock = manualClock();
  const memory = await openMemory({ database, clock, maxTurns: 2 });
  const scope = { agent: "guide", tenant: "one", thread: "trip", runId: "run_1" };
  await memory.remember(scope, { goal: "Hello.", answer: "Hi." });
  for (const n of [2, 3]) {
    await clock.advance(1_000);
    const result = { goal: `Question ${n}?`, answer: `Answer ${n}.` };
    for (let times = 0; times < 2; times++) await memory.remember({ ...scope, runId: `run_${n}` }, result);
  }
  const { history } = await memory.recall(scope, "And now?");
  expect(history.map((message) => `${message.role}: ${textOf(message)}`)).toEqual([
    "user: Question 2?",
    "assistant: Answer 2.",
    "user: Question 3?",
    "assistant: Answer 3.",
  ]);
  for (const other of [{ tenant: "two" }, { tenant: undefined }, { thread: "else" }, { thread: undefined }])
    expect(await memory.recall({ ...scope, ...other }, "?")).toEqual({ history: [], facts: [] });
});

it.each(["", " \n", "x".repeat(10_001)])(
  "a fact that says nothing, or fills every request, is not pinned (%#)",
  async (fact) => {
    const memory = await openMemory({ database });
    await expect(memory.pin(fact)).rejects.toMatchObject({ code: "invalid_input" });
    expect(await memory.facts()).toEqual([]);
  },
);

it("facts are pinned for a thread or for all of a tenant's, until they are taken away or the thread is forgotten", async () => {
  const memory = await openMemory({ database });
  const id = await memory.pin("Tea is hot.", { tenant: "one" });
  expect(await memory.pin("Tea is hot.", { tenant: "one" })).toBe(id);
  await memory.pin("She likes Lisbon.", { tenant: "one", thread: "trip" });
  const scope = { agent: "guide", tenant: "one", runId: "run_1" };
  expect((await memory.recall({ ...scope, thread: "trip" }, "?")).facts).toEqual(["Tea is hot.", "She likes Lisbon."]);
  expect((await memory.recall(scope, "?")).facts).toEqual(["Tea is hot."]);
  await memory.forget("trip", "one");
  expect((await memory.facts({ tenant: "one", thread: "trip" })).map(({ text }) => text)).toEqual(["Tea is hot."]);
  expect([await memory.unpin(id), await memory.unpin(id)]).toEqual([true, false]);
  expect(await memory.facts({ tenant: "one" })).toEqual([]);
});
