import type { Clock, Random } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import type { Retention } from "./engine.ts";
import type { Runs } from "./run.ts";

/** Is what the run engine is made from. */
export interface RunsOptions {
  readonly database: Database;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
  readonly retention?: Retention;
}

/**
 * Opens the run engine on a database.
 *
 * Errors: database_too_new and those of the database.
 * Cost: the engine is loaded here, so that an import of Atlas stays cheap.
 */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { openRuns } = await import("./runs.ts");
  return await openRuns(options);
}
