import { Client } from "pg";
import { stepsPerRun } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Is the little of DBOS that is used. */
interface Dbos {
  setConfig(config: Readonly<Record<string, unknown>>): void;
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  registerWorkflow(body: () => Promise<string>, options: { readonly name: string }): () => Promise<string>;
  runStep<T>(body: () => Promise<T>, options: { readonly name: string }): Promise<T>;
  registerQueue(name: string, options: Readonly<Record<string, number>>): Promise<unknown>;
  startWorkflow(workflow: unknown, options: { readonly queueName: string }): () => Promise<unknown>;
}

// A name that TypeScript does not follow: the package is not part of this repository's install.
const dbosPackage = "@dbos-inc/dbos-sdk";
const lookMs = 10;

/** Opens DBOS with a queue of 128 at once that is polled every 100 ms, which is faster than its default and does better here. */
export async function open(url: string): Promise<Subject> {
  const { DBOS } = (await import(dbosPackage)) as { DBOS: Dbos };
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, systemDatabasePoolSize: 20, logLevel: "error" });
  const ten = DBOS.registerWorkflow(
    async () => {
      for (let index = 0; index < stepsPerRun; index++)
        await DBOS.runStep(() => Promise.resolve({ index, ok: true }), { name: `s${index}` });
      return "done";
    },
    { name: "ten" },
  );
  await DBOS.launch();
  await DBOS.registerQueue("bench", { workerConcurrency: 128, minPollingIntervalMs: 100 });
  const client = new Client(url);
  await client.connect();
  return {
    async direct() {
      if ((await ten()) !== "done") throw new Error("The workflow gave another result.");
    },
    async enqueue() {
      await DBOS.startWorkflow(ten, { queueName: "bench" })();
    },
    async queued(count) {
      const sql =
        "SELECT count(*)::int AS ended FROM dbos.workflow_status WHERE status = 'SUCCESS' AND queue_name = 'bench'";
      for (;;) {
        const { rows } = await client.query<{ ended: number }>(sql);
        if ((rows[0]?.ended ?? 0) >= count) return;
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await DBOS.shutdown();
    },
  };
}
