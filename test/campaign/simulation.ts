import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { createRuns } from "../../src/runs/index.ts";
import type { Runs, Workflow } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Database } from "../../src/storage/index.ts";
import { check } from "./checker.ts";
import type { Deed } from "./evidence.ts";
import { Observer } from "./observer.ts";
import { plannedRun } from "./planned-run.ts";
import type { Plan, PlanInput } from "./plan.ts";
import type { Trace, TraceLine } from "./trace.ts";

/** Is one thing that happens to an engine, or by it to the run that was started last but `back`. */
export type Event =
  | { readonly kind: "start"; readonly engine: number; readonly queued: boolean }
  | { readonly kind: "cancel" | "pause" | "resume"; readonly engine: number; readonly back: number }
  | { readonly kind: "crash" | "close"; readonly engine: number }
  | { readonly kind: "settle" };

const engine = fc.integer({ min: 0, max: 2 });
const back = fc.integer({ min: 0, max: 2 });

/** Makes short histories of engines that share a database. */
export const histories: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("start" as const), engine, queued: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom("cancel" as const, "pause" as const, "resume" as const),
        engine,
        back,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "close" as const), engine }) },
    { weight: 2, arbitrary: fc.constant<Event>({ kind: "settle" }) },
  ),
  { minLength: 3, maxLength: 10 },
);

const plan: Plan = {
  ops: [
    { kind: "step", ms: 1, failures: 0 },
    { kind: "together", width: 2 },
    { kind: "emit" },
    { kind: "effect", ms: 1, onUnknown: "retry" },
    { kind: "checkpoint" },
    { kind: "step", ms: 2, failures: 0 },
  ],
  queue: "none",
  tenant: undefined,
  priority: 0,
  delayMs: 0,
  needs: [],
  onFailure: "fail",
  attempts: 1,
  dedup: false,
  action: undefined,
  redrive: false,
};

interface Node {
  readonly database: Database;
  readonly runs: Runs;
  readonly planned: Workflow<PlanInput, number>;
}

/** Plays a history on several engines of one file, lets everything end, and gives what breaks a promise. */
export async function simulate(history: readonly Event[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-simulation-"));
  try {
    return await new Simulation(join(folder, "atlas.db")).play(history);
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 5 });
  }
}

class Simulation {
  readonly #path: string;
  readonly #nodes = new Map<number, Node>();
  readonly #gone: Runs[] = [];
  readonly #started: string[] = [];
  readonly #deeds = new Map<string, Set<Deed>>();
  readonly #trace: TraceLine[] = [];
  #opened = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async play(history: readonly Event[]): Promise<readonly string[]> {
    for (const event of history) await this.#do(event);
    // Who comes last is a worker that nothing happens to: what was accepted ends here.
    const last = await this.#open();
    for (const id of this.#started) {
      const run = await last.runs.open(id);
      await run.resume().catch(ignore);
      await run.result().catch(ignore);
      await this.#ended(last, id);
    }
    const evidence = await this.#evidence(last);
    const nodes = [...this.#nodes.values(), last];
    for (const { runs } of nodes) await runs[Symbol.asyncDispose]();
    await Promise.allSettled(this.#gone.map(async (runs) => await runs[Symbol.asyncDispose]()));
    for (const { database } of nodes) await database[Symbol.asyncDispose]();
    return check(evidence);
  }

  async #do(event: Event): Promise<void> {
    if (event.kind === "settle") return await new Promise((resolve) => setTimeout(resolve, 3));
    if (event.kind === "start") {
      const { runs, planned } = await this.#node(event.engine);
      const started = await runs.start(planned, { plan: 0, ops: plan.ops }, event.queued ? { queue: "simulated" } : {});
      this.#started.push(started.id);
    } else if ("back" in event) await this.#ask(event);
    else await this.#end(event.engine, event.kind);
  }

  async #ask(event: Extract<Event, { back: number }>): Promise<void> {
    const id = this.#started.at(-1 - event.back);
    if (id === undefined) return;
    if (event.kind === "cancel") this.#deeds.set(id, new Set(["cancel"]));
    const run = await (await this.#node(event.engine)).runs.open(id);
    // What has ended meanwhile, or is somebody else's, is answered by an error.
    await run[event.kind]().catch(ignore);
  }

  /** A crash takes the database away under the engine: it can write and release nothing any more, and its locks are free. */
  async #end(number: number, kind: "crash" | "close"): Promise<void> {
    const node = this.#nodes.get(number);
    if (node === undefined) return;
    this.#nodes.delete(number);
    if (kind === "close") await node.runs[Symbol.asyncDispose]();
    else this.#gone.push(node.runs);
    await node.database[Symbol.asyncDispose]();
  }

  async #node(number: number): Promise<Node> {
    const node = this.#nodes.get(number) ?? (await this.#open());
    this.#nodes.set(number, node);
    return node;
  }

  async #open(): Promise<Node> {
    const pid = ++this.#opened;
    const trace: Trace = {
      note: (line) => void this.#trace.push({ ...line, pid }),
      [Symbol.dispose]() {},
    };
    const database = await sqlite({ path: this.#path, synchronous: "normal" });
    const runs = await createRuns({ database, worker: { maxRuns: 4 } });
    const planned = plannedRun(trace, "planned");
    runs.register(planned);
    return { database, runs, planned };
  }

  async #ended({ runs }: Node, id: string): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const run = await runs.open(id);
      const { finishedAt, interrupted, paused } = await run.record();
      if (finishedAt !== undefined) return;
      if (interrupted || paused) await run.resume().catch(ignore);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #evidence({ database, runs }: Node) {
    const observer = new Observer(database, runs);
    const finals = await observer.finals(new Map());
    return {
      plans: new Map([[0, plan]]),
      accepted: this.#started.map((run) => ({ plan: 0, run })),
      deeds: this.#deeds,
      runs: finals,
      logs: await observer.logs(finals.keys()),
      rows: await observer.rows(),
      followed: new Map(),
      trace: this.#trace,
      seen: new Map(),
      letters: undefined,
      budgets: new Map(),
      limits: {},
    };
  }
}

function ignore(): void {}
