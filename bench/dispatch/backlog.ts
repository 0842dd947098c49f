import { readFileSync } from "node:fs";
import type { PlannedRun } from "../../src/runs/index.ts";
import type { Subject } from "./subject.ts";

/** Is what a long queue showed. Units: runs per second; MB of resident memory at most. */
export interface Backlog {
  readonly fairnessError: number;
  readonly inversions: number;
  readonly memoryMb: number;
  readonly enqueuedPerS: number;
  readonly dispatchedPerS: number;
}

const total = 100_000;
const tenants = 20;
const priorities = [0, 3, 7] as const;
const batch = 500;
const batchesAtOnce = 4;

interface Placed {
  readonly tenant: number;
  readonly priority: number;
}

/** Enqueues 100,000 runs of 20 tenants, whose backlogs differ by up to twenty times, in three priorities, and lets the worker take them all. */
export async function measureBacklog({ runs, workflow }: Subject): Promise<Backlog> {
  const order = new Uint32Array(total);
  let taken = 0;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const flow = workflow({
    name: "placed",
    run: (_, input: Placed) => {
      order[taken++] = input.priority * tenants + input.tenant;
      if (taken === total) resolve();
      return Promise.resolve(null);
    },
  });
  const watch = watchMemory();
  await runs.queues.pause("long");
  const enqueueFrom = performance.now();
  const plan = planAll();
  const enqueue = async (): Promise<void> => {
    for (let next = plan.splice(0, batch); next.length > 0; next = plan.splice(0, batch)) {
      await runs.startMany(next.map((input) => plannedRun(flow, input)));
    }
  };
  await Promise.all(Array.from({ length: batchesAtOnce }, enqueue));
  const enqueuedPerS = (total * 1_000) / (performance.now() - enqueueFrom);
  const dispatchFrom = performance.now();
  await runs.queues.resume("long");
  await done;
  const dispatchedPerS = (total * 1_000) / (performance.now() - dispatchFrom);
  const memoryMb = watch.stop();
  const placed = Array.from(order, (code) => ({ tenant: code % tenants, priority: Math.floor(code / tenants) }));
  return {
    fairnessError: Math.max(...priorities.map((priority) => unfairness(placed, priority))),
    inversions: inversions(placed),
    memoryMb,
    enqueuedPerS,
    dispatchedPerS,
  };
}

function plannedRun(flow: PlannedRun["workflow"], { tenant, priority }: Placed): PlannedRun {
  return {
    workflow: flow,
    input: { tenant, priority },
    options: { queue: "long", tenant: `tenant-${tenant}`, priority },
  };
}

/** Gives the tenants' shares of the backlog as 1, 1/2, 1/3, … of the greatest, in an order that mixes nobody's runs evenly. */
function planAll(): Placed[] {
  const weights = Array.from({ length: tenants }, (_, tenant) => 1 / (tenant + 1));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const plan: Placed[] = [];
  for (const [tenant, weight] of weights.entries()) {
    const count = Math.round((total * weight) / sum);
    for (let index = 0; index < count; index++)
      plan.push({ tenant, priority: priorities[index % priorities.length] ?? 0 });
  }
  while (plan.length < total) plan.push({ tenant: 0, priority: 0 });
  return plan.slice(0, total);
}

/** The greatest share by which a tenant got more or less than is fair, in the first half of what was dispatched of a priority. */
function unfairness(placed: readonly Placed[], priority: number): number {
  const all = placed.filter((each) => each.priority === priority);
  const half = all.slice(0, all.length >> 1);
  const got = countsOf(half);
  const fair = fairShares(countsOf(all), half.length);
  return Math.max(...fair.map((share, tenant) => Math.abs((got[tenant] ?? 0) - share) / share));
}

function countsOf(placed: readonly Placed[]): number[] {
  const counts = Array.from({ length: tenants }, () => 0);
  for (const { tenant } of placed) counts[tenant] = (counts[tenant] ?? 0) + 1;
  return counts;
}

/** Shares out places evenly; what a tenant has no runs for goes to the others. */
function fairShares(backlogs: readonly number[], places: number): number[] {
  const shares = backlogs.map(() => 0);
  let left = places;
  let hungry = [...backlogs.keys()];
  while (left > 1e-6 && hungry.length > 0) {
    const each = left / hungry.length;
    for (const tenant of hungry) {
      const more = Math.min(each, (backlogs[tenant] ?? 0) - (shares[tenant] ?? 0));
      shares[tenant] = (shares[tenant] ?? 0) + more;
      left -= more;
    }
    hungry = hungry.filter((tenant) => (shares[tenant] ?? 0) < (backlogs[tenant] ?? 0) - 1e-6);
  }
  return shares;
}

/** Counts runs that began after one of a lower priority had. */
function inversions(placed: readonly Placed[]): number {
  let lowest = Infinity;
  let count = 0;
  for (const { priority } of placed) {
    if (priority > lowest) count++;
    lowest = Math.min(lowest, priority);
  }
  return count;
}

/** Follows the memory of this process; `stop` gives the most that it was. */
function watchMemory() {
  let most = 0;
  const look = (): void => {
    const found = /VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    most = Math.max(most, Number(found?.[1]) / 1_024);
  };
  const timer = setInterval(look, 50);
  return {
    stop(): number {
      look();
      clearInterval(timer);
      return most;
    },
  };
}
