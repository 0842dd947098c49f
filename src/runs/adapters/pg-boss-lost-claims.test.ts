import { afterAll, beforeAll, expect, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import type { PostgresDatabase } from "../../storage/adapters/postgres.ts";
import { silentLogger } from "../../telemetry/index.ts";
import type { ClaimRequest, Queue, Ticket } from "../queue/queue.ts";
import { runMigrations } from "../schema.ts";
import { pgBossQueue } from "./pg-boss.ts";

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()), 60_000);
afterAll(async () => await server[Symbol.asyncDispose]());

interface Subject extends AsyncDisposable {
  readonly queue: Queue;
  readonly other: Queue;
  /** Says what becomes of transactions. */
  how: "kept" | "undone" | "silent";
}

async function open(): Promise<Subject> {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await postgres({ url: await server.createDatabase("lost") }));
  await database.migrate("runs", runMigrations);
  const transaction: PostgresDatabase["transaction"] = async (work) => {
    if (subject.how === "undone") throw new Error("The connection is gone.");
    const done = await database.transaction(work);
    if (subject.how === "silent") throw new Error("The answer is lost.");
    return done;
  };
  const queue = parts.use(pgBossQueue({ database: { ...database, transaction }, logger: silentLogger }));
  const other = parts.use(pgBossQueue({ database, logger: silentLogger }));
  const held = parts.move();
  const subject: Subject = { queue, other, how: "kept", [Symbol.asyncDispose]: () => held.disposeAsync() };
  return subject;
}

function ticket(runId: string, workflow: string): Ticket {
  const place = { queue: "q", tenant: undefined, priority: 0, turn: 1, dueAt: undefined };
  return { runId, epoch: 0, workflow, ...place };
}

function request(owner: string, workflows: readonly string[], concurrency = Infinity): ClaimRequest {
  return { queue: "q", limit: 4, owner, workflows, concurrency, perTenant: Infinity, tenants: {}, perWorkflow: {} };
}

it("what a claim took before its second half failed is handed out by the next one", async () => {
  await using subject = await open();
  await subject.queue.offer([ticket("run_a", "known"), ticket("run_b", "unknown")]);
  expect(await subject.other.claim(request("own_other", ["none"]))).toEqual([]);
  subject.how = "undone";
  await expect(subject.queue.claim(request("own_mine", ["known"]))).rejects.toThrow("gone");
  subject.how = "kept";
  const taken = await subject.queue.claim(request("own_mine", ["known"]));
  expect(taken.map(({ runId }) => runId)).toEqual(["run_a"]);
});

it("a claim whose answer was lost is put back although its engine claims nothing more", async () => {
  await using subject = await open();
  await subject.queue.offer([ticket("run_a", "known")]);
  expect(await subject.queue.claim(request("own_mine", ["none"], 3))).toEqual([]);
  subject.how = "silent";
  await expect(subject.queue.claim(request("own_mine", ["known"], 3))).rejects.toThrow("lost");
  using _ = subject.queue.onReady(() => {});
  let taken: readonly Ticket[] = [];
  while (taken.length === 0) taken = await subject.other.claim(request("own_other", ["known"]));
  expect(taken.map(({ runId }) => runId)).toEqual(["run_a"]);
}, 15_000);
