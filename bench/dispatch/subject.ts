import type { Runs } from "../../src/runs/index.ts";

/** Is a run engine in which the dispatch is measured. */
export interface Subject extends AsyncDisposable {
  readonly runs: Runs;
}

/** Says what a process of this bench measures, and in what. `url` names a PostgreSQL server, `folder` a new SQLite file. */
export interface Task {
  readonly kind: "latency" | "backlog";
  readonly folder?: string;
  readonly url?: string;
}

/** Opens the engine as an application does: one process that starts runs and works on them. */
export async function openSubject({ folder, url }: Task): Promise<Subject> {
  const { createRuns } = await import("../../src/runs/index.ts");
  await using parts = new AsyncDisposableStack();
  if (url === undefined) {
    const { sqlite } = await import("../../src/storage/adapters/sqlite.ts");
    const database = parts.use(await sqlite({ path: `${folder}/atlas.db` }));
    const runs = parts.use(await createRuns({ database }));
    const held = parts.move();
    return { runs, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }
  const [{ postgres }, { pgBossQueue }, { silentLogger }] = await Promise.all([
    import("../../src/storage/adapters/postgres.ts"),
    import("../../src/runs/adapters/pg-boss.ts"),
    import("../../src/telemetry/index.ts"),
  ]);
  const database = parts.use(await postgres({ url }));
  const queue = parts.use(pgBossQueue({ database, logger: silentLogger }));
  const runs = parts.use(await createRuns({ database, queue }));
  const held = parts.move();
  return { runs, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
