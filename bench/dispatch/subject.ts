import type * as PgBoss from "../../src/runs/adapters/pg-boss.ts";
import type * as RunsIndex from "../../src/runs/index.ts";
import type { Queue, Runs } from "../../src/runs/index.ts";
import type * as PostgresAdapter from "../../src/storage/adapters/postgres.ts";
import type * as SqliteAdapter from "../../src/storage/adapters/sqlite.ts";
import type { Database } from "../../src/storage/index.ts";
import type * as TelemetryIndex from "../../src/telemetry/index.ts";

/** Is a run engine in which the dispatch is measured, with what makes its workflows. */
export interface Subject extends AsyncDisposable {
  readonly runs: Runs;
  readonly workflow: typeof RunsIndex.workflow;
}

/** Says what a process of this bench measures, and in what. `url` names a PostgreSQL server, `folder` a new SQLite file. */
export interface Task {
  readonly kind: "latency" | "backlog";
  readonly folder?: string;
  readonly url?: string;
}

/** Opens the engine as an application does: one process that starts runs and works on them, from compiled code. */
export async function openSubject(task: Task): Promise<Subject> {
  const { createRuns, workflow } = await compiled<typeof RunsIndex>("runs/index.js");
  await using parts = new AsyncDisposableStack();
  const { database, queue } = await openStores(task, parts);
  const runs = parts.use(await createRuns(queue === undefined ? { database } : { database, queue }));
  const held = parts.move();
  return { runs, workflow, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function openStores(
  { folder = "", url }: Task,
  parts: AsyncDisposableStack,
): Promise<{ readonly database: Database; readonly queue?: Queue }> {
  if (url === undefined) {
    const { sqlite } = await compiled<typeof SqliteAdapter>("storage/adapters/sqlite.js");
    return { database: parts.use(await sqlite({ path: `${folder}/atlas.db` })) };
  }
  const { postgres } = await compiled<typeof PostgresAdapter>("storage/adapters/postgres.js");
  const { pgBossQueue } = await compiled<typeof PgBoss>("runs/adapters/pg-boss.js");
  const { silentLogger } = await compiled<typeof TelemetryIndex>("telemetry/index.js");
  const database = parts.use(await postgres({ url }));
  return { database, queue: parts.use(pgBossQueue({ database, logger: silentLogger })) };
}

async function compiled<Module>(path: string): Promise<Module> {
  return (await import(new URL(`../../dist/${path}`, import.meta.url).href)) as Module;
}
