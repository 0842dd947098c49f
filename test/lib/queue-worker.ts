import { createRuns, workflow } from "../../src/runs/index.ts";
import type { RunContext } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Statement } from "../../src/storage/index.ts";

/**
 * Works on the queues of a database until its standard input ends. Each run says in the table `visit` when it comes and goes, with how many
 * of its queue, its tenant and its workflow are inside then, all in one write: so the table shows what ran at once over all processes.
 */
const [path = "", name = ""] = process.argv.slice(2);
await using database = await sqlite({ path, synchronous: "normal" });
await using runs = await createRuns({ database, worker: { name } });

const come = `INSERT INTO visit(run_id, worker, queue, tenant, workflow, of_queue, of_tenant, of_workflow)
  SELECT ?1, ?2, ?3, ?4, ?5,
    (SELECT count(*) + 1 FROM visit WHERE queue = ?3 AND gone = 0),
    (SELECT count(*) + 1 FROM visit WHERE queue = ?3 AND tenant = ?4 AND gone = 0),
    (SELECT count(*) + 1 FROM visit WHERE workflow = ?5 AND gone = 0)`;

async function visit(context: RunContext, queue: string, flow: string): Promise<string> {
  const write = (statement: Statement) => database.write([statement]);
  await context.step("come", async () => {
    await write({ sql: come, params: [context.runId, name, queue, context.tenant ?? "", flow] });
  });
  await context.step("go", async () => {
    await write({ sql: "UPDATE visit SET gone = 1 WHERE run_id = ?", params: [context.runId] });
  });
  return name;
}

runs.register(workflow({ name: "quick", run: (context, queue: string) => visit(context, queue, "quick") }));
runs.register(
  workflow({ name: "slow", concurrency: 4, run: (context, queue: string) => visit(context, queue, "slow") }),
);
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.resume().once("end", resolve));
