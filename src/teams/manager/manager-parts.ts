import type { AnyAgent } from "../../agents/index.ts";
import type { Model } from "../../providers/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { Aggregate } from "./aggregate.ts";
import type { ManagerLimits } from "./limits.ts";

/** Is what a manager works with. */
export interface ManagerParts {
  readonly name: string;
  readonly members: readonly Runnable[];
  readonly limits: ManagerLimits;
  readonly queue: string | undefined;
  readonly planner: AnyAgent | "questions" | undefined;
  readonly aggregate: Aggregate | undefined;
  readonly own: Model | string | undefined;
  readonly ownPlanner: AnyAgent;
  readonly judge: AnyAgent;
  readonly writer: AnyAgent;
}
