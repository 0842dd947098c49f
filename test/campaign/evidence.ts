import type { JsonValue } from "../../src/base/index.ts";
import type { RunEvent } from "../../src/runs/index.ts";
import type { Plan } from "./plan.ts";
import type { TraceLine } from "./trace.ts";

/** Is a start that was acknowledged. */
export interface Accepted {
  readonly plan: number;
  readonly run: string;
}

/** Is something that was asked of a run and acknowledged or at least sent. */
export type Deed = "cancel" | "pause" | "fork" | "redrive" | "again";

/** Is a run's row as the database holds it at the end. */
export interface FinalRun {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
  readonly finished: boolean;
  readonly plan: number | undefined;
  readonly output: JsonValue | undefined;
  readonly errorCode: string | undefined;
  readonly attempt: number;
  readonly dead: boolean;
  /** False when its time has not come, which a clock that was set forward may put far away. */
  readonly isDue: boolean;
  readonly queue: string | undefined;
  readonly tenant: string | undefined;
  readonly parentId: string | undefined;
  readonly originId: string | undefined;
  readonly needs: readonly string[];
}

/** Is an effect that waits for a decision. */
export interface Parked {
  readonly run: string;
  readonly plan: number;
  readonly key: string;
}

/** Is a dead letter as the desk shows it. */
export interface SeenLetter {
  readonly run: string;
  readonly attempts: number;
}

/** Is what was spent in a scope, by its books. */
export interface SeenBudget {
  readonly limit: number;
  readonly spent: number;
}

/** Is all that a campaign knows at its end; the checker looks at nothing else. */
export interface Evidence {
  readonly plans: ReadonlyMap<number, Plan>;
  readonly accepted: readonly Accepted[];
  readonly deeds: ReadonlyMap<string, ReadonlySet<Deed>>;
  readonly runs: ReadonlyMap<string, FinalRun>;
  /** Logs as the engine gives them, as the table holds them, and as live followers saw them. */
  readonly logs: ReadonlyMap<string, readonly RunEvent[]>;
  readonly rows: ReadonlyMap<string, readonly RunEvent[]>;
  readonly followed: ReadonlyMap<string, readonly RunEvent[]>;
  readonly trace: readonly TraceLine[];
  /** What finished runs were seen to be while the load ran. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
  /** Undefined when the load left the dead letters out. */
  readonly letters: readonly SeenLetter[] | undefined;
  readonly budgets: ReadonlyMap<string, SeenBudget>;
  readonly limits: Readonly<Record<string, { readonly concurrency: number; readonly perTenant: number }>>;
}

/** Gives what a run may not change once it is finished, as one text. */
export function finalText({ status, output, errorCode }: Pick<FinalRun, "status" | "output" | "errorCode">): string {
  return `${status} ${JSON.stringify(output ?? null)} ${errorCode ?? ""}`;
}
