import { isJsonObject } from "../../src/base/index.ts";
import type { JsonValue } from "../../src/base/index.ts";
import type { Evidence } from "./evidence.ts";
import { executionsOf } from "./log-facts.ts";
import type { TraceLine } from "./trace.ts";
import type { Op } from "./plan.ts";
import { keyAt } from "./plan.ts";

type Began = Extract<TraceLine, { kind: "began" }>;

/** I2, I3: no body begins once its outcome is known; an effect happens as often as its policy allows. */
export function checkSteps(evidence: Evidence): string[] {
  const known = new Set<string>();
  const begun = new Map<string, Began[]>();
  const found: string[] = [];
  for (const line of evidence.trace) {
    if (line.kind === "known") known.add(`${line.run} ${line.key}`);
    if (line.kind !== "began") continue;
    if (known.has(`${line.run} ${line.key}`)) found.push(`${line.run}: I2 ${line.key} began after it was recorded`);
    begun.set(line.once, [...(begun.get(line.once) ?? []), line]);
  }
  return [...found, ...[...begun].flatMap(([once, lines]) => tooOften(evidence, once, lines))];
}

function tooOften(evidence: Evidence, once: string, lines: readonly Began[]): string[] {
  const first = lines[0];
  if (first === undefined) return [];
  const { run, key } = first;
  const op = opOf(evidence, run, key);
  const log = evidence.logs.get(run) ?? [];
  const retried = log.filter((event) => event.type === "step.retried" && event.key === key).length;
  if (op?.kind === "effect" && op.onUnknown !== "retry") {
    const again = log.filter(
      ({ type, key: of, data }) => type === "effect.decided" && of === key && isRetry(data),
    ).length;
    // Who redrives a run that failed because nobody knows the outcome says that it is to be done again.
    const anew = lines.filter(
      (line) => evidence.runs.get(evidence.runs.get(line.run)?.originId ?? "")?.errorCode === "effect_unknown",
    );
    const most = 1 + again + new Set(anew.map((line) => line.run)).size;
    return lines.length <= most
      ? []
      : [`${run}: I3 the effect ${once} began ${lines.length} times, at most ${most} are allowed`];
  }
  const executions = lines.reduce((most, line) => Math.max(most, executionsOf(evidence.logs.get(line.run) ?? [])), 1);
  const byEach = new Map<string, number>();
  for (const { by } of lines) byEach.set(by, (byEach.get(by) ?? 0) + 1);
  const triesOfOp = op?.kind === "step" ? op.failures : 0;
  return [
    ...(byEach.size > executions
      ? [`${run}: I3 ${key} was done by ${byEach.size} executions, its log knows ${executions}`]
      : []),
    ...[...byEach.values()]
      .filter((times) => times > 1 + Math.max(retried, triesOfOp))
      .map((times) => `${run}: I3 one execution did ${key} ${times} times`),
  ];
}

function isRetry(data: JsonValue): boolean {
  return isJsonObject(data) && data["outcome"] === "retry";
}

/** Finds what a step of a run is: that of its plan, or of the child that its plan calls. */
function opOf({ runs, plans }: Evidence, run: string, key: string): Op | undefined {
  const row = runs.get(run);
  if (row?.workflow !== "planned" || row.plan === undefined) return undefined;
  return plans.get(row.plan)?.ops.find((_, index) => keyAt(index) === key);
}
