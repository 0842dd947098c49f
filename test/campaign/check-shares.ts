import type { Evidence } from "./evidence.ts";

/** I5, I7, dependencies: budgets are kept, no more runs at once than the limits say, and what others need comes first. */
export function checkShares(evidence: Evidence): string[] {
  return [...checkBudgets(evidence), ...checkLimits(evidence), ...checkNeeds(evidence)];
}

function checkBudgets({ budgets, trace }: Evidence): string[] {
  const spent = new Map<string, number>();
  for (const line of trace) {
    if (line.kind === "spent") spent.set(line.scope, (spent.get(line.scope) ?? 0) + line.tokens);
  }
  return [...budgets].flatMap(([scope, { limit, spent: booked }]) => {
    const noted = spent.get(scope) ?? 0;
    return [
      ...(booked > limit ? [`I5 ${scope} has spent ${booked} of ${limit}`] : []),
      ...(noted > booked ? [`I5 ${scope} has spent ${noted} and its books say ${booked}`] : []),
    ];
  });
}

/**
 * A run counts from the first body that it begins to the end of the last: less than what the engine counts, never more. One that
 * waits gives its place away and goes on at once when it wakes, so runs that waited are left out.
 */
function checkLimits({ runs, trace, limits, logs }: Evidence): string[] {
  const steady = new Map([...runs].filter(([id]) => !(logs.get(id) ?? []).some(({ type }) => waits.has(type))));
  const active = new Map<string, { readonly pid: number; bodies: number }>();
  const found = new Set<string>();
  for (const line of trace) {
    if (line.kind === "gone") {
      for (const [run, { pid }] of active) if (pid === line.pid) active.delete(run);
    } else if (line.kind === "began") {
      const now = active.get(line.run);
      if (!steady.has(line.run)) continue;
      active.set(line.run, { pid: line.pid, bodies: now?.pid === line.pid ? now.bodies + 1 : 1 });
      for (const text of exceeded(line.run, { runs: steady, limits, active })) found.add(text);
    } else if (line.kind === "did" || line.kind === "left") {
      const now = active.get(line.run);
      if (now?.pid !== line.pid) continue;
      if (line.kind === "left" || --now.bodies <= 0) active.delete(line.run);
    }
  }
  return [...found];
}

const waits = new Set([
  "timer.started",
  "signal.awaited",
  "effect.parked",
  "step.retried",
  "call.started",
  "run.paused",
]);

function exceeded(
  id: string,
  { runs, limits, active }: Pick<Evidence, "runs" | "limits"> & { readonly active: ReadonlyMap<string, unknown> },
): string[] {
  const run = runs.get(id);
  const limit = run?.queue === undefined ? undefined : limits[run.queue];
  if (run === undefined || limit === undefined) return [];
  const inQueue = [...active.keys()].filter((each) => runs.get(each)?.queue === run.queue);
  const ofTenant = inQueue.filter((each) => runs.get(each)?.tenant === run.tenant);
  return [
    ...(inQueue.length > limit.concurrency
      ? [`I7 ${inQueue.length} runs of the queue ${run.queue} at once, at most ${limit.concurrency} are allowed`]
      : []),
    ...(run.tenant !== undefined && ofTenant.length > limit.perTenant
      ? [`I7 ${ofTenant.length} runs of ${run.tenant} at once in ${run.queue}, at most ${limit.perTenant} are allowed`]
      : []),
  ];
}

/** By the recorder's order: a run begins after the functions of those that it needs have returned. */
function checkNeeds({ runs, trace }: Evidence): string[] {
  const returned = new Set<string>();
  const found = new Set<string>();
  for (const line of trace) {
    if (line.kind === "left" && line.ok) returned.add(line.run);
    if (line.kind !== "entered") continue;
    const missing = (runs.get(line.run)?.needs ?? []).filter((id) => !returned.has(id));
    if (missing.length > 0) found.add(`${line.run}: I1 began before ${missing.join(", ")}, which it needs`);
  }
  return [...found];
}
