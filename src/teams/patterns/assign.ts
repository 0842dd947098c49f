import { coverage } from "../words.ts";

/** Is a worker as tasks are given out. */
export interface WorkerFacts {
  readonly name: string;
  /** What it is for, in words. */
  readonly about: string;
  /** How many tasks it does at once. */
  readonly replicas: number;
}

/** Is a task as it is given out; `tried` names the workers that it is not given to any more. */
export interface OpenTask {
  readonly text: string;
  readonly tried: ReadonlySet<string>;
  /** The worker that somebody chose for it. */
  readonly wanted?: string | undefined;
}

/** Says who got a task and why: it was chosen, its words fit best, or it had the least to do. */
export interface Assignment {
  readonly worker: string;
  readonly reason: "chosen" | "fit" | "load";
  /** How much of the task's words the worker's description holds. Units: 0 to 1. */
  readonly fit: number;
}

/**
 * Gives each task to a worker: to the one that was chosen, else to the one whose description holds most of its words, among equal ones to
 * the one with the least to do for each of its places, then to the first. Undefined for a task that all have tried.
 *
 * Order: as the tasks; the same tasks always go to the same workers.
 */
export function assign(
  tasks: readonly OpenTask[],
  workers: readonly WorkerFacts[],
): readonly (Assignment | undefined)[] {
  const given = new Map<string, number>();
  const load = ({ name, replicas }: WorkerFacts): number => (given.get(name) ?? 0) / replicas;
  return tasks.map(({ text, tried, wanted }) => {
    const scored = workers
      .filter(({ name }) => !tried.has(name))
      .map((worker) => ({ worker, fit: coverage(text, worker.about) }))
      .toSorted((a, b) => b.fit - a.fit || load(a.worker) - load(b.worker));
    const chosen = scored.find(({ worker }) => worker.name === wanted) ?? scored[0];
    if (chosen === undefined) return undefined;
    const { worker, fit } = chosen;
    given.set(worker.name, (given.get(worker.name) ?? 0) + 1);
    return {
      worker: worker.name,
      reason: worker.name === wanted ? "chosen" : fit > 0 ? "fit" : "load",
      fit: Math.round(fit * 100) / 100,
    };
  });
}
