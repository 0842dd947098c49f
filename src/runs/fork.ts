import type { Engine } from "./engine.ts";
import type { StoredRun } from "./journal.ts";
import type { ForkOptions } from "./run.ts";

/** Makes a new run that begins with what another one had recorded, and gives its id. */
export function forkRun(_engine: Engine, run: StoredRun, _options: ForkOptions): Promise<string> {
  return Promise.reject(new Error(`${run.id}: to be built`));
}
