import type { Budgets } from "../../src/providers/index.ts";
import type { Runs } from "../../src/runs/index.ts";
import type { Evidence, SeenBudget, SeenLetter } from "./evidence.ts";
import { queueLimits, tenantTokens } from "./limits.ts";
import type { Load } from "./load.ts";
import type { Feature } from "./plan.ts";
import type { Observer } from "./observer.ts";
import { readTrace } from "./trace.ts";

/** Says where the evidence is gathered from. */
export interface Sources {
  readonly observer: Observer;
  readonly load: Load;
  readonly runs: Runs;
  readonly budgets: Budgets;
  readonly trace: string;
  readonly letters: readonly SeenLetter[];
  readonly uses: ReadonlySet<Feature>;
}

/** Gathers what the checker looks at, after everything has ended. */
export async function gather({ observer, load, runs, budgets, trace, letters, uses }: Sources): Promise<Evidence> {
  const finals = await observer.finals(load.needs);
  const later = uses.has("dead") ? await readLetters(runs) : [];
  return {
    plans: load.plans,
    accepted: load.accepted,
    deeds: load.deeds,
    runs: finals,
    rows: await observer.rows(),
    logs: await observer.logs(finals.keys()),
    followed: observer.followed,
    trace: readTrace(trace),
    seen: observer.seen,
    letters: uses.has("dead")
      ? [...letters, ...later.filter(({ run }) => letters.every((each) => each.run !== run))]
      : undefined,
    budgets: await readBudgets(budgets),
    limits: queueLimits,
  };
}

/** Reads the dead letters as the desk shows them. */
export async function readLetters(runs: Runs): Promise<SeenLetter[]> {
  const letters: SeenLetter[] = [];
  for (const { id } of await runs.deadLetters.list({ limit: 100_000 })) {
    letters.push({ run: id, attempts: (await runs.deadLetters.show(id)).attempts.length });
  }
  return letters;
}

async function readBudgets(budgets: Budgets): Promise<Map<string, SeenBudget>> {
  const seen = new Map<string, SeenBudget>();
  for (const name of ["ada", "bob", "eve", "none"]) {
    const scope = await budgets.scope(name, { period: "total", maxTokens: tenantTokens });
    await scope.refresh();
    seen.set(name, { limit: tenantTokens, spent: scope.spent.tokens });
  }
  return seen;
}
