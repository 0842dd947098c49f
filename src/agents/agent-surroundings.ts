import type { Clock } from "../base/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import type { Memory } from "../memory/index.ts";
import type { Model } from "../providers/index.ts";
import type { ToolMetrics } from "../tools/index.ts";

/** Is what agents need from the program around them. */
export interface AgentSurroundings {
  readonly clock: Clock;
  readonly knowledge: Knowledge;
  /** Larger files are refused when documents are taken in. */
  readonly maxFileBytes: number;
  /** Finds a model by `provider/name`; without a name the configured or detected one. */
  readonly model: (name?: string) => Promise<Model>;
  /** Gives a model of the program's own its retries, limits and accounting; one that has them is given back as it is. */
  readonly managed: (model: Model) => Promise<Model>;
  /** What the tools of every agent may do, beside what the agent itself allows; everything when left out. */
  readonly permissions?: readonly string[] | undefined;
  /** Counts what tools are used for. */
  readonly toolMetrics?: ToolMetrics | undefined;
  /** Opens the memory of runs that name a thread, and whose agent has none of its own. */
  readonly memory?: (() => Promise<Memory>) | undefined;
}
