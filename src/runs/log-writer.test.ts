import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import { database, useEngine } from "../../test/lib/engine.ts";
import { createLiveLogs } from "./follow.ts";
import { Journal } from "./journal.ts";
import { LogWriter } from "./log-writer.ts";
import type { RunEvent } from "./run.ts";

useEngine();

const foreign =
  "INSERT INTO run_event(run_id, seq, type, at, data) SELECT ?1, coalesce(max(seq), 0) + 1, 'foreign', 0, 'null' FROM run_event WHERE run_id = ?1";
let made = 0;

/** Makes a run's row and the writer of its log, as its owner has it. */
async function writing(): Promise<{ journal: Journal; writer: LogWriter; runId: string; failures: string[] }> {
  const journal = new Journal(database, systemClock);
  const runId = `run_${String(made++)}`;
  const run = { id: runId, workflow: "w", version: "1", owner: "own_1", status: "running", input: "null" } as const;
  await journal.write(journal.creation(run));
  const failures: string[] = [];
  const writer = new LogWriter({
    journal,
    live: createLiveLogs(),
    clock: systemClock,
    lease: { runId, epoch: 1 },
    lastSeq: 1,
    committed: () => {},
    refused: (error) => failures.push(error.code),
    paused: () => {},
    woken: () => {},
  });
  return { journal, writer, runId, failures };
}

const logOf = async (journal: Journal, runId: string): Promise<RunEvent[]> =>
  await Array.fromAsync(journal.eventsAfter(runId, 0));

type Act = "append" | "emit" | "foreign" | "checkpoint" | "settle";

describe("the writer of a log", () => {
  it("keeps its entries in order, once each and without gaps, whatever others append between", async () => {
    const acts = fc.array(fc.constantFrom<Act[]>("append", "emit", "foreign", "checkpoint", "settle"), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        const { journal, writer, runId } = await writing();
        const pending: Promise<unknown>[] = [];
        const own: number[] = [];
        for (const [n, act] of script.entries()) {
          if (act === "append") pending.push(writer.append({ type: "own", data: n }));
          if (act === "emit") writer.emit({ type: "own", data: n });
          if (act === "checkpoint") pending.push(writer.checkpoint(n));
          if (act === "foreign") pending.push(database.write([{ sql: foreign, params: [runId] }]));
          if (act === "settle") await Promise.all(pending);
          if (act === "append" || act === "emit" || act === "checkpoint") own.push(n);
        }
        await Promise.all(pending);
        await writer.finish({ type: "run.completed", data: {} }, { status: "completed", text: "null" });
        const log = await logOf(journal, runId);
        expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
        const mine = log.filter(({ type }) => type === "own" || type === "run.checkpointed");
        expect(mine.map(({ data }) => data)).toEqual(own);
        expect(log.filter(({ type }) => type === "foreign")).toHaveLength(script.filter((a) => a === "foreign").length);
        const checkpoint = log.findLast(({ type }) => type === "run.checkpointed");
        expect((await journal.load(runId))?.checkpointSeq).toBe(checkpoint?.seq ?? 0);
      }),
      { numRuns: 150 },
    );
  });

  it("takes a commit whose word was lost for what it is, and writes nothing twice", async () => {
    const { journal, writer, runId } = await writing();
    const append = journal.append.bind(journal);
    let lost = 0;
    journal.append = async (...args) => {
      await append(...args);
      // As a database does that tries again after its connection broke behind the commit.
      if (lost++ === 0) await append(...args);
    };
    await writer.append({ type: "own", data: 1 });
    await writer.append({ type: "own", data: 2 });
    expect((await logOf(journal, runId)).map(({ data }) => data).slice(1)).toEqual([1, 2]);
  });

  it("does not take a refused condition for a taken place", async () => {
    const { journal, writer, runId, failures } = await writing();
    const refused: Statement = { sql: "DELETE FROM run_signal WHERE id = ?", params: [1], expectRows: 1 };
    await expect(writer.append({ type: "own", data: 1 }, () => [refused])).rejects.toMatchObject({
      code: "write_conflict",
    });
    expect([failures, await journal.lastSeq(runId)]).toEqual([["write_conflict"], 1]);
  });

  it("stops when the run was taken over, and when a cancel is asked", async () => {
    const { journal, writer, runId, failures } = await writing();
    const run = await journal.load(runId);
    if (run) await journal.takeOver(run, "own_2");
    await expect(writer.append({ type: "own", data: 1 })).rejects.toMatchObject({ code: "run_fenced" });
    const asked = await writing();
    await asked.journal.askCancel(asked.runId, "enough");
    await expect(asked.writer.append({ type: "own", data: 1 })).rejects.toMatchObject({ code: "run_cancelled" });
    expect([failures, asked.failures]).toEqual([["run_fenced"], ["run_cancelled"]]);
  });
});
