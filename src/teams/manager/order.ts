import type { PlanTask } from "./plan.ts";

/** Is a task as far as its order goes. */
type Ordered = Pick<PlanTask, "id" | "needs">;

/** Finds a circle of needs and gives its ids in order; undefined where there is none. Cost: tasks and needs, once. */
export function findCircle(tasks: readonly Ordered[]): readonly string[] | undefined {
  const rest = leftOver(tasks);
  let at = [...rest.keys()][0];
  if (at === undefined) return undefined;
  // What is left over needs something that is left over: whoever follows the needs comes round.
  const path: string[] = [];
  const seen = new Map<string, number>();
  while (at !== undefined && !seen.has(at)) {
    seen.set(at, path.length);
    path.push(at);
    at = rest.get(at)?.find((need) => rest.has(need));
  }
  return at === undefined ? path : path.slice(seen.get(at));
}

/** Gives the tasks with the needs first. Order: as they stand, else. Tasks in a circle are left out. */
export function inOrder<Task extends Ordered>(tasks: readonly Task[]): readonly Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const ordered: Task[] = [];
  leftOver(tasks, (id) => {
    const task = byId.get(id);
    if (task) ordered.push(task);
  });
  return ordered;
}

/** Takes away, one after the other, the tasks that need nothing that is left; gives what cannot be taken away. */
function leftOver(
  tasks: readonly Ordered[],
  take: (id: string) => void = () => {},
): ReadonlyMap<string, readonly string[]> {
  const left = new Map(tasks.map(({ id, needs }) => [id, needs]));
  const waiting = new Map(tasks.map(({ id, needs }) => [id, needs.filter((need) => left.has(need)).length]));
  const users = new Map<string, string[]>();
  for (const { id, needs } of tasks) {
    for (const need of needs) {
      const known = users.get(need);
      if (known === undefined) users.set(need, [id]);
      else known.push(id);
    }
  }
  const free = tasks.filter(({ id }) => waiting.get(id) === 0).map(({ id }) => id);
  for (let index = 0; index < free.length; index++) {
    const id = free[index] ?? "";
    left.delete(id);
    take(id);
    for (const user of users.get(id) ?? []) {
      const count = (waiting.get(user) ?? 0) - 1;
      waiting.set(user, count);
      if (count === 0) free.push(user);
    }
  }
  return left;
}

/**
 * Tells of each task how long it takes from its start to the end of the plan at the least: its own estimate and the longest way
 * of those that need it. Units: milliseconds.
 */
export function remainingMs(tasks: readonly (Ordered & Pick<PlanTask, "estimateMs">)[]): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const { id, needs, estimateMs } of inOrder(tasks).toReversed()) {
    const own = estimateMs + (longest.get(id) ?? 0);
    longest.set(id, own);
    for (const need of needs) longest.set(need, Math.max(longest.get(need) ?? 0, own));
  }
  return longest;
}
