import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { RunHandle } from "../runs/index.ts";

/** Is something that a run waits for. Units: `until` in ms since the Unix epoch. */
export interface OpenWait {
  readonly kind: "signal" | "timer" | "decision";
  readonly key: string;
  readonly name: string;
  readonly question?: string;
  readonly until?: number;
  /** What was wrong with the last answer, if one came and did not fit. */
  readonly refused?: string;
}

/** Lists what a run waits for, as its log tells it. Cost: reads the log. */
export async function openWaits(handle: RunHandle): Promise<readonly OpenWait[]> {
  const waits = new Map<string, OpenWait>();
  for await (const { type, key, data } of handle.events({ live: false })) {
    if (key === undefined) continue;
    const { name, question, deadline, wakeAt } = isJsonObject(data) ? data : {};
    const called = typeof name === "string" ? name : key;
    if (type === "signal.awaited") {
      waits.set(key, {
        kind: "signal",
        key,
        name: called,
        ...(typeof question === "string" ? { question } : {}),
        ...(typeof deadline === "number" ? { until: deadline } : {}),
      });
    } else if (type === "effect.parked") waits.set(key, { kind: "decision", key, name: called });
    else if (type === "timer.started")
      waits.set(key, { kind: "timer", key, name: "sleep", ...(typeof wakeAt === "number" ? { until: wakeAt } : {}) });
    else if (type === "signal.refused") {
      const wait = waits.get(key);
      if (wait !== undefined) waits.set(key, { ...wait, refused: issuesIn(data) });
    } else if (ends.has(type)) waits.delete(key);
  }
  return [...waits.values()];
}

function issuesIn(data: JsonValue): string {
  const issues = isJsonObject(data) && Array.isArray(data["issues"]) ? data["issues"] : [];
  const told = issues.flatMap((issue) => {
    const { path, message } = isJsonObject(issue) ? issue : {};
    const where = typeof path === "string" && path !== "" ? `${path}: ` : "";
    return typeof message === "string" ? [`${where}${message}`] : [];
  });
  return told.join("; ");
}

const ends: ReadonlySet<string> = new Set([
  "signal.received",
  "signal.timed_out",
  "timer.fired",
  "step.completed",
  "step.failed",
  "effect.decided",
]);
