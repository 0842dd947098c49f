import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { fakeIo } from "../../test/lib/fake-io.ts";
import { createAtlas } from "../app/index.ts";
import { workflow } from "../runs/index.ts";
import { main } from "./main.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-cli-queue-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function atlas(...argv: string[]): Promise<Called> {
  const io = fakeIo({ directory, environment: { OLLAMA_HOST: "127.0.0.1:9" } });
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
}

async function json(...argv: string[]): Promise<unknown> {
  const { code, out, err } = await atlas(...argv, "--json");
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${out}${err}`);
  return JSON.parse(out);
}

const broken = workflow({
  name: "broken",
  run: async (context, input: { readonly ok?: boolean }) => {
    await context.step("first", () => 1);
    if (input.ok !== true) throw new Error("the printer is on fire");
    return "printed";
  },
});
const asks = workflow({
  name: "asks",
  run: async (context) =>
    await context.waitFor("approve", { question: "May it go out?", schema: z.object({ by: z.string() }) }),
});

/** Lets a program of a user work on what is there. */
async function withProgram<T>(work: (program: Awaited<ReturnType<typeof createAtlas>>) => Promise<T>): Promise<T> {
  await using program = await createAtlas({
    directory,
    environment: { OLLAMA_HOST: "127.0.0.1:9" },
    workflows: [broken, asks],
  });
  return await work(program);
}

test("a goal can wait in a queue that is listed, limited, paused, opened and purged", async () => {
  const queued = (await json("run", "Say hello", "--queue", "slow", "--priority", "3")) as { runId: string };
  expect(await json("runs", "show", queued.runId)).toMatchObject({ status: "queued", queue: "slow", priority: 3 });
  expect(await json("queue", "list")).toMatchObject({ queues: [{ name: "slow", ready: 1, paused: false }] });
  expect(
    await json("queue", "limit", "slow", "--concurrency", "2", "--tenant", "acme=1", "--weight", "acme=2.5"),
  ).toMatchObject({ limits: { concurrency: 2, tenants: { acme: 1 }, weights: { acme: 2.5 } } });
  expect(await json("queue", "pause", "slow")).toMatchObject({ paused: true });
  expect((await atlas("queue", "list")).out).toContain("paused");
  expect(await json("queue", "resume", "slow")).toMatchObject({ paused: false, ready: 1 });
  expect((await atlas("queue", "purge", "slow")).code).toBe(2);
  expect(await json("queue", "purge", "slow", "--yes")).toEqual({ queue: "slow", cancelled: 1 });
  expect(await json("runs", "show", queued.runId)).toMatchObject({ status: "cancelled" });
});

test("a dead letter is listed, shown with its attempts, redriven with another input, and purged", async () => {
  const id = await withProgram(async (program) => {
    const run = await program.start(broken, {}, { queue: "print" });
    await expect(run.result()).rejects.toThrow("on fire");
    return run.id;
  });
  expect(await json("queue", "dead", "list", "--queue", "print")).toMatchObject({ runs: [{ id, dead: true }] });
  expect((await atlas("queue", "dead", "list")).out).toContain("on fire");
  const shown = await atlas("queue", "dead", "show", id);
  expect(shown.out).toContain("attempt 1");
  expect(shown.out).toContain("the printer is on fire");
  expect((await atlas("queue", "dead", "redrive")).err).toContain("--all");
  const { redriven } = (await json("queue", "dead", "redrive", id, "--input", '{"ok":true}')) as { redriven: string[] };
  expect(redriven).toHaveLength(1);
  const output = await withProgram(async (program) => (await program.runs.open(redriven[0] ?? "")).result());
  expect(output).toBe("printed");
  expect((await atlas("queue", "dead", "purge", "--all")).code).toBe(2);
  expect(await json("queue", "dead", "purge", "--all", "--yes")).toEqual({ purged: 0 });
});

test("what a run waits for is shown with its question, and answered", async () => {
  const id = await withProgram(async (program) => {
    const run = await program.start(asks, null);
    await run.signal("approve", { by: 5 });
    for await (const event of run.events()) if (event.type === "signal.refused") break;
    return run.id;
  });
  const shown = await atlas("runs", "show", id);
  expect(shown.out).toMatch(/an answer was refused: by: .*string/);
  expect(shown.out).toContain("signal approve");
  expect(shown.out).toContain("May it go out?");
  expect((await atlas("runs", "signal", id, "deny")).err).toContain("signal_unexpected");
  expect((await atlas("runs", "signal", id, "approve", "--data", "{yes}")).code).toBe(2);
  expect((await atlas("runs", "signal", id, "approve", "--data", '{"by":"Ada"}')).code).toBe(0);
  const output = await withProgram(async (program) => (await program.runs.open(id)).result());
  expect(output).toEqual({ by: "Ada" });
});

test("a paused run is not taken up until it is resumed", async () => {
  const id = await withProgram(async (program) => (await program.start(asks, null)).id);
  expect(await json("runs", "pause", id)).toMatchObject({ id, paused: true });
  expect((await atlas("runs", "list", "--status", "paused")).out).toContain(id);
  expect((await atlas("runs", "steer", id, "be", "quick")).code).toBe(0);
  expect((await atlas("runs", "steer", id)).code).toBe(2);
  await withProgram(async (program) =>
    expect(await (await program.runs.open(id)).record()).toMatchObject({ paused: true }),
  );
});

test("a schedule is made, listed, previewed and removed; one that makes no sense is refused", async () => {
  const module = join(directory, "flows.mjs");
  writeFileSync(
    module,
    'import { workflow } from "atlas-agents"; export const report = workflow({ name: "report", run: async () => 1 });',
  );
  const made = await atlas(
    "queue",
    "schedules",
    "set",
    "weekly",
    "--workflow",
    "agent:assistant",
    "--cron",
    "0 6 * * 1",
    "--input",
    '{"goal":"x"}',
  );
  expect([made.code, made.err]).toEqual([0, ""]);
  expect((await atlas("queue", "schedules", "list")).out).toContain("weekly");
  expect((await json("queue", "schedules", "preview", "0 6 * * 1")) as object).toHaveProperty("times");
  expect((await atlas("queue", "schedules", "preview", "0 0 30 2 *")).err).toContain("never comes");
  expect(
    (await atlas("queue", "schedules", "set", "odd", "--workflow", "agent:assistant", "--cron", "61 * * * *")).err,
  ).toContain("schedule_invalid");
  expect((await atlas("queue", "schedules", "remove", "weekly")).code).toBe(0);
  expect((await atlas("queue", "schedules", "remove", "weekly")).code).toBe(4);
});

test("a time or a level that makes no sense is refused, and so are places without a queue", async () => {
  expect((await atlas("run", "x", "--queue", "q", "--at", "soon")).code).toBe(2);
  expect((await atlas("run", "x", "--queue", "q", "--at", "2001-01-01T00:00:00Z")).err).toContain("time_past");
  expect((await atlas("run", "x", "--queue", "q", "--priority", "high")).code).toBe(2);
  expect((await atlas("run", "x", "--priority", "3")).err).toContain("--queue");
  expect((await atlas("queue", "limit", "q", "--tenant", "acme")).err).toContain("NAME=NUMBER");
  expect((await atlas("queue", "limit", "q")).err).toContain("--none");
  expect((await atlas("queue", "limit", "q", "--none", "--concurrency", "2")).err).toContain("--none");
});
