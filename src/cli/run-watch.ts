import { toAtlasError } from "../base/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import { noopTelemetry } from "../telemetry/index.ts";

/** Is a run as this process began or took up. */
export interface BegunRun {
  readonly runId: string;
  readonly workflow: string;
}

/** Is how the execution of a run ended here; an interrupted one goes on elsewhere, or later. */
export interface EndedRun extends BegunRun {
  readonly status: "completed" | "failed" | "cancelled" | "interrupted";
  readonly durationMs: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Is told of each run that this process executes. */
export interface RunListener {
  readonly begun: (run: BegunRun) => void;
  readonly ended: (run: EndedRun) => void;
}

/** Counts the runs that this process executes. */
export interface RunWatch {
  /** Is to be given to Atlas: runs are spans. */
  readonly telemetry: Telemetry;
  readonly running: number;
  readonly counts: Readonly<Record<EndedRun["status"], number>>;
}

/** Watches the runs of this process by their spans. */
export function watchRuns({ begun, ended }: RunListener): RunWatch {
  const counts = { completed: 0, failed: 0, cancelled: 0, interrupted: 0 };
  let running = 0;
  const telemetry: Telemetry = {
    ...noopTelemetry,
    span(name, attributes = {}) {
      if (name !== "run") return noopTelemetry.span(name, attributes);
      const run = { runId: String(attributes["atlas.run.id"]), workflow: String(attributes["atlas.workflow"]) };
      const start = performance.now();
      let failure: unknown;
      running++;
      begun(run);
      return {
        set() {},
        fail: (error) => void (failure = error),
        end() {
          running--;
          const outcome = outcomeOf(failure);
          counts[outcome.status]++;
          ended({ ...run, ...outcome, durationMs: Math.round(performance.now() - start) });
        },
      };
    },
  };
  return {
    telemetry,
    counts,
    get running() {
      return running;
    },
  };
}

function outcomeOf(failure: unknown): Pick<EndedRun, "status" | "error"> {
  if (failure === undefined) return { status: "completed" };
  const { code, message } = toAtlasError(failure);
  if (code === "run_cancelled") return { status: "cancelled" };
  const kept = code === "run_interrupted" || code === "run_fenced" || code.startsWith("database_");
  return { status: kept ? "interrupted" : "failed", error: { code, message } };
}
