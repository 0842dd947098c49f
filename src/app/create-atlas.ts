import type { AnyGraph } from "../graph/index.ts";
import type { Atlas, AtlasOptions } from "./atlas.ts";

/**
 * Starts Atlas: reads the settings, opens the database, takes up the runs that a stop or a crash interrupted.
 * Without any option or setting it works alone: `.atlas/atlas.db` in the project's folder, and the best model found here.
 *
 * Errors: settings_invalid, settings_unreadable, module_failed, those of the database.
 * Cost: what does the work is loaded here, so that `import "atlas-agents"` stays cheap.
 * @example examples/first-agent.ts
 */
export async function createAtlas(options: AtlasOptions = {}): Promise<Atlas> {
  const { openAtlas } = await import("./open-atlas.ts");
  return await openAtlas(options);
}

/** Loads one module and gives the graphs that it exports. Errors: module_failed, also with what is wrong with a graph. */
export async function loadGraphs(path: string): Promise<readonly AnyGraph[]> {
  const { loadModules } = await import("./modules.ts");
  return (await loadModules([path])).graphs;
}
