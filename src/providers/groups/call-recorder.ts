import { AtlasError } from "../../base/index.ts";
import type { Attempt, CallReport, Seam, Selection } from "../call-report.ts";
import { sumUsage } from "../usage.ts";

/** Keeps what happened in one call. */
export interface CallRecorder {
  readonly attempts: readonly Attempt[];
  readonly attempt: (attempt: Attempt) => void;
  /** Takes over the choices and seams of a member that is a group itself; of its attempts it tells one by one. */
  readonly merge: (inner: CallReport) => void;
  readonly select: (selection: Selection) => void;
  readonly seam: (seam: Seam) => void;
  report(): CallReport;
}

/** More candidates than this, and more rejections, are not listed for a choice: a report is kept with each call. */
const maxListed = 10;

function brief(selection: Selection): Selection {
  const { candidates, rejected } = selection;
  const omitted = Math.max(0, candidates.length - maxListed) + Math.max(0, rejected.length - maxListed);
  if (omitted === 0) return selection;
  return {
    ...selection,
    candidates: candidates.slice(0, maxListed),
    rejected: rejected.slice(0, maxListed),
    omitted,
  };
}

/** Makes a recorder for one call of a group; `group` is left out where a single model is guarded. */
export function createRecorder(group: string | undefined): CallRecorder {
  const attempts: Attempt[] = [];
  const selections: Selection[] = [];
  const seams: Seam[] = [];
  return {
    attempts,
    attempt: (attempt) => void attempts.push(attempt),
    merge(inner) {
      selections.push(...inner.selections);
      seams.push(...inner.seams);
    },
    select: (selection) => void selections.push(brief(selection)),
    seam: (seam) => void seams.push(seam),
    report() {
      const costs = attempts.map((attempt) => attempt.costMicroUsd);
      const knownCostMicroUsd = costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
      return {
        ...(group !== undefined && { group }),
        attempts: [...attempts],
        selections: [...selections],
        seams: [...seams],
        usage: sumUsage(attempts.map((attempt) => attempt.usage)),
        costMicroUsd: costs.includes(null) ? null : knownCostMicroUsd,
        knownCostMicroUsd,
      };
    },
  };
}

/** Makes the error again with the report of the call in its details. */
export function withReport(error: AtlasError, report: CallReport): AtlasError {
  const { code, message, details, retry, status, exitCode, fix, cause } = error;
  const again = new AtlasError(code, message, {
    spec: { status, retry, exitCode, summary: "", fix },
    details: { ...details, report },
    ...(cause !== undefined && { cause }),
  });
  if (error.stack !== undefined) again.stack = error.stack;
  return again;
}

/** Tells whether a value, such as what an error has in its details, is a report. */
export function isReport(value: unknown): value is CallReport {
  return (
    typeof value === "object" && value !== null && "attempts" in value && "selections" in value && "seams" in value
  );
}
