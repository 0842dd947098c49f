import { isJsonObject } from "../../src/base/index.ts";
import type { RunEvent } from "../../src/runs/index.ts";
import type { Evidence, FinalRun } from "./evidence.ts";
import { outcomeTypes, ownerships } from "./log-facts.ts";

const ends = new Set(["run.completed", "run.failed", "run.cancelled", "run.skipped"]);

/** I4, I7, I8: each log is gapless and the same for every reader; owners follow each other; nothing follows the end. */
export function checkLogs(evidence: Evidence): string[] {
  return [...evidence.runs.values()].flatMap((run) => {
    const log = evidence.logs.get(run.id) ?? [];
    return [
      ...gaps(run, log),
      ...sameForAll(run, log, evidence),
      ...owners(run, log),
      ...recordedOnce(run, log),
      ...oneEnd(run, log),
    ].map((text) => `${run.id}: ${text}`);
  });
}

function gaps(run: FinalRun, log: readonly RunEvent[]): string[] {
  const wrong = log.findIndex(({ seq }, index) => seq !== index + 1);
  if (log.length === 0) return ["I4 its log is empty"];
  return wrong === -1 ? [] : [`I4 its log has a gap: entry ${wrong + 1} has place ${log[wrong]?.seq}`];
}

function sameForAll({ id }: FinalRun, log: readonly RunEvent[], { rows, followed }: Evidence): string[] {
  const asText = (events: readonly RunEvent[]): string => JSON.stringify(events.map(plain));
  const first = asText(log);
  const others: readonly (readonly [string, readonly RunEvent[] | undefined])[] = [
    ["the table", rows.get(id)],
    ["a live follower", followed.get(id)],
  ];
  return others.flatMap(([who, events]) =>
    events === undefined || asText(events) === first
      ? []
      : [`I4 ${who} saw another log: ${events.length} entries beside ${log.length}`],
  );
}

function plain({ seq, type, key, at, data }: RunEvent) {
  return { seq, type, key: key ?? null, at, data };
}

function epochOf(event: RunEvent): number | undefined {
  const epoch = isJsonObject(event.data) ? event.data["epoch"] : undefined;
  return typeof epoch === "number" ? epoch : undefined;
}

/** Between two claims only one execution records: whoever recorded before a newer claim does not record after it. */
function owners(_run: FinalRun, log: readonly RunEvent[]): string[] {
  const found: string[] = [];
  const former = new Set<string>();
  let last = 0;
  let current: string | undefined;
  for (const event of log) {
    // What stands before belongs to the run from which this one was made.
    if (event.type === "run.forked") {
      former.clear();
      current = undefined;
      last = 0;
    }
    if (ownerships.has(event.type)) {
      const epoch = epochOf(event);
      if (epoch !== undefined && epoch <= last) found.push(`I7 epoch ${epoch} at ${event.seq} after epoch ${last}`);
      last = epoch ?? last;
      if (current !== undefined) former.add(current);
      current = undefined;
    }
    const by = byOf(event);
    if (by === undefined) continue;
    if (former.has(by)) found.push(`I7 entry ${event.seq} is of an owner that had lost the run`);
    else if (current !== undefined && current !== by)
      found.push(`I7 two owners record between two claims, at ${event.seq}`);
    current = by;
  }
  return found;
}

/** The executions say in each step's output which of them did it. */
function byOf(event: RunEvent): string | undefined {
  if (event.type !== "step.completed" || !isJsonObject(event.data)) return undefined;
  const { output, decided } = event.data;
  if (decided === true) return undefined;
  const by = isJsonObject(output) ? output["by"] : undefined;
  return typeof by === "string" ? by : undefined;
}

function recordedOnce(_run: FinalRun, log: readonly RunEvent[]): string[] {
  const open = new Map<string, number>();
  const found: string[] = [];
  for (const event of log) {
    for (const key of forgottenBy(event)) open.delete(key);
    if (event.key === undefined || !outcomeTypes.has(event.type)) continue;
    const before = open.get(event.key);
    if (before !== undefined) found.push(`I2 ${event.key} is recorded at ${before} and again at ${event.seq}`);
    open.set(event.key, event.seq);
  }
  return found;
}

/** A retry of the run, or a redrive, forgets the outcomes that ended it. */
function forgottenBy({ type, data }: RunEvent): readonly string[] {
  const keys = (type === "run.retried" || type === "run.forked") && isJsonObject(data) ? data["forget"] : undefined;
  return Array.isArray(keys) ? keys.map(String) : [];
}

function oneEnd(run: FinalRun, log: readonly RunEvent[]): string[] {
  const at = log.findIndex(({ type }) => ends.has(type));
  if (!run.finished) return at === -1 ? [] : [`I8 its log has ended and its row has not`];
  const last = log.at(-1);
  if (at === -1) return [`I8 it is ${run.status} and its log has no end`];
  if (at !== log.length - 1) return [`I8 ${log[at + 1]?.type} follows ${log[at]?.type}`];
  return last?.type === `run.${run.status}` ? [] : [`I8 it is ${run.status} and its log ends with ${last?.type}`];
}
