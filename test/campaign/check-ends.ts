import { isJsonObject } from "../../src/base/index.ts";
import type { RunEvent } from "../../src/runs/index.ts";
import type { Evidence, FinalRun } from "./evidence.ts";
import { finalText } from "./evidence.ts";
import { outcomeTypes, ownerships } from "./log-facts.ts";
import { endOf, keyAt, outputOf } from "./plan.ts";
import type { Op, Plan } from "./plan.ts";

/** I1, I6, I8: what was accepted has ended, as its plan and what was done to it allow; ends stay as they were. */
export function checkEnds(evidence: Evidence): string[] {
  const { accepted, runs, seen, plans } = evidence;
  const lost = accepted
    .filter(({ run }) => !runs.has(run))
    .map(({ run, plan }) => `${run}: I1 accepted (plan ${plan}) and lost`);
  const rest = [...runs.values()].flatMap((run) => {
    const plan = run.workflow === "planned" && run.plan !== undefined ? plans.get(run.plan) : undefined;
    const wrong = run.finished
      ? plan === undefined
        ? []
        : wrongEnd(evidence, run, plan)
      : [`I1 never ended: it is ${run.status}`];
    const before = [...(seen.get(run.id) ?? [])].filter((text) => text !== finalText(run));
    const changed = before.map((text) => `I8 was seen as "${text}" and is "${finalText(run)}"`);
    const order = plan === undefined ? [] : outOfOrder(evidence.logs.get(run.id) ?? [], plan.ops);
    return [...wrong, ...changed, ...order].map((text) => `${run.id}: ${text}`);
  });
  return [...lost, ...rest, ...checkLetters(evidence)];
}

function wrongEnd(evidence: Evidence, run: FinalRun, plan: Plan): string[] {
  const log = evidence.logs.get(run.id) ?? [];
  if (run.status === "completed") {
    const expected = outputOf(plan.ops);
    if (run.output !== expected) return [`I1 its output is ${JSON.stringify(run.output)}, not ${expected}`];
    return endOf({ ops: plan.ops, attempts: run.attempt }) === "completed" ? [] : ["I1 it completed against its plan"];
  }
  if (run.status === "cancelled") return evidence.deeds.get(run.id)?.has("cancel") ? [] : ["I1 nobody cancelled it"];
  const needed = run.needs.some((id) => evidence.runs.get(id)?.status !== "completed");
  if (run.status === "skipped") return needed ? [] : ["I1 skipped although what it needs completed"];
  if (mayFail(evidence, run, { plan, log, needed })) return [];
  return [`I1 it failed with ${run.errorCode}, which its plan does not say`];
}

function mayFail(
  evidence: Evidence,
  run: FinalRun,
  { plan, log, needed }: { readonly plan: Plan; readonly log: readonly RunEvent[]; readonly needed: boolean },
): boolean {
  switch (run.errorCode) {
    case "planned_break":
    case "planned_falter":
      return endOf({ ops: plan.ops, attempts: run.attempt }) === "failed";
    case "effect_unknown":
      return plan.ops.some((op) => op.kind === "effect" && op.onUnknown !== "retry") && log.some(isTakeover);
    case "budget_exceeded":
    // A body that spends writes to the database itself; what it fails with is its own failure.
    case "database_full":
    case "database_busy":
    case "database_unreachable":
      return plan.ops.some((op) => op.kind === "spend") && evidence.budgets.has(run.tenant ?? "none");
    case "run_poisoned":
      return longestBarren(log) >= 5;
    case "dependency_failed":
      return needed;
    default:
      return false;
  }
}

function isTakeover({ type }: RunEvent): boolean {
  return ownerships.has(type);
}

/** Counts the most owners in a row that died with no outcome between. */
function longestBarren(log: readonly RunEvent[]): number {
  let most = 0;
  let now = 0;
  for (const event of log) {
    if (isJsonObject(event.data) && event.data["lost"] === true) most = Math.max(most, ++now);
    else if (outcomeTypes.has(event.type)) now = 0;
  }
  return most;
}

/** Order per run: what the plan does one after another is recorded in that order. */
function outOfOrder(log: readonly RunEvent[], ops: readonly Op[]): string[] {
  const places = new Map(ops.map((_, index) => [keyAt(index), index] as const));
  let last = -1;
  for (const { type, key } of log) {
    const place = type === "step.completed" && key !== undefined ? places.get(key) : undefined;
    if (place === undefined) continue;
    if (place < last) return [`I1 ${key} is recorded after op${last}`];
    last = place;
  }
  return [];
}

/** I6: a queued run that failed for good is in the dead letters once, with each attempt. */
function checkLetters({ runs, letters, deeds, trace, plans }: Evidence): string[] {
  if (letters === undefined) return [];
  const seen = new Map<string, number[]>();
  for (const { run, attempts } of letters) seen.set(run, [...(seen.get(run) ?? []), attempts]);
  const entered = new Map<string, Set<number>>();
  for (const line of trace) {
    if (line.kind === "entered") entered.set(line.run, (entered.get(line.run) ?? new Set()).add(line.attempt));
  }
  const origins = new Set([...runs.values()].map(({ originId }) => originId));
  return [...runs.values()].flatMap((run) => {
    const found = seen.get(run.id) ?? [];
    const redriven = deeds.get(run.id)?.has("redrive") === true;
    if (redriven && !origins.has(run.id)) {
      const same = [...runs.values()].filter(({ plan, id }) => plan === run.plan && id !== run.id);
      // There is one unfinished run of a key at most: a second one is not made, and its letter stays.
      const isKeyed = plans.get(run.plan ?? -1)?.dedup === true;
      if (isKeyed && run.dead && same.some(({ originId }) => originId !== undefined)) return [];
      const others = same.map(({ id, status, originId }) => `${id} ${status} of ${originId ?? "no other"}`).join(", ");
      return [`${run.id}: I6 it was redriven, and no run comes of it (dead ${run.dead}, keyed ${isKeyed}; ${others})`];
    }
    if (run.queue === undefined || run.status !== "failed")
      return found.length === 0 ? [] : [`${run.id}: I6 a dead letter, and it is ${run.status}`];
    if (found.length !== 1) return [`${run.id}: I6 failed for good and is in the dead letters ${found.length} times`];
    const begun = new Set<number>();
    for (let each: FinalRun | undefined = run; each; each = runs.get(each.originId ?? "")) {
      for (const attempt of entered.get(each.id) ?? []) begun.add(attempt);
    }
    return found[0] === begun.size
      ? []
      : [`${run.id}: I6 its dead letter tells of ${found[0]} attempts, not ${begun.size}`];
  });
}
