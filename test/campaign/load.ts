import { setTimeout as delay } from "node:timers/promises";
import { isJsonObject } from "../../src/base/index.ts";
import type { JsonValue } from "../../src/base/index.ts";
import type { StartOptions } from "../../src/runs/index.ts";
import type { Accepted, Deed, FinalRun, Parked } from "./evidence.ts";
import { Refused, ServerGone } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { valueOf } from "./plan.ts";
import type { Op, Plan } from "./plan.ts";
import type { Ask } from "./server.ts";

/** Are the options of a load. Units: `window` runs that are unfinished at most. */
export interface LoadOptions {
  readonly fleet: Fleet;
  readonly plans: Iterator<Plan, undefined>;
  readonly window: number;
  readonly maxRuns: number;
  /** Tells how many of the accepted runs are unfinished. */
  readonly unfinished: () => number;
}

/** Starts the runs of the plans and does to them what the plans say, whatever becomes of the server. */
export class Load {
  readonly #options: LoadOptions;
  readonly plans = new Map<number, Plan>();
  readonly accepted: Accepted[] = [];
  /** What was asked of which run, whether it was acknowledged or not. */
  readonly deeds = new Map<string, Set<Deed>>();
  /** What the runs were started after. */
  readonly needs = new Map<string, readonly string[]>();
  readonly stories = new Set<Promise<void>>();
  readonly refusals: string[] = [];
  readonly #released = new Set<string>();
  readonly #deciding = new Set<string>();
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Starts runs until it is stopped. */
  async go(): Promise<void> {
    const { plans, window, maxRuns, unfinished } = this.#options;
    for (let index = 0; !this.#stopped && index < maxRuns; index++) {
      while (!this.#stopped && unfinished() + this.stories.size / 4 >= window) await delay(10);
      const { value, done } = plans.next();
      if (done === true) return;
      this.plans.set(index, value);
      await this.#begin(index, value);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Waits until all that the plans do to their runs is done. */
  async told(): Promise<void> {
    while (this.stories.size > 0) await Promise.race(this.stories);
  }

  /** Notes what was asked of a run. */
  noteDeed(run: string, deed: Deed): void {
    this.deeds.set(run, (this.deeds.get(run) ?? new Set()).add(deed));
  }

  /** Sends the signals that the ops of a run wait for. */
  release(run: string, ops: readonly Op[]): void {
    this.#released.add(run);
    this.#tell(async () => {
      for (const [index, op] of ops.entries()) {
        if (op.kind === "wait") await this.insist({ kind: "signal", run, name: `go${index}` });
      }
    });
  }

  /** Sends signals to runs that nobody started here: forks, redriven ones, and those whose start was not acknowledged. */
  adopt(unfinished: readonly FinalRun[]): void {
    for (const { id, plan } of unfinished) {
      const ops = plan === undefined ? undefined : this.plans.get(plan)?.ops;
      if (ops !== undefined && !this.#released.has(id)) this.release(id, ops);
    }
  }

  /** Decides about effects whose outcome nobody knows: that they happened, or that they are to be done again. */
  decide(parked: readonly Parked[]): void {
    for (const { run, plan, key } of parked) {
      const index = Number(key.slice(2));
      const op = this.plans.get(plan)?.ops[index];
      if (op === undefined || this.#deciding.has(`${run} ${key}`)) continue;
      this.#deciding.add(`${run} ${key}`);
      const output = { value: valueOf(op, index), by: "decided" };
      const decision = plan % 2 === 0 ? ({ outcome: "done", output } as const) : ({ outcome: "retry" } as const);
      this.#tell(async () => {
        await this.insist({ kind: "decide", run, key, decision });
        this.#deciding.delete(`${run} ${key}`);
      });
    }
  }

  /** Redrives a dead run. */
  redrive(run: string): void {
    this.noteDeed(run, "redrive");
    this.#tell(async () => {
      await this.insist({ kind: "redrive", run });
    });
  }

  /** Asks until there is an answer; a refusal by the run's end is one. */
  async insist(ask: Ask): Promise<JsonValue | undefined> {
    for (;;) {
      try {
        return await this.#options.fleet.ask(ask);
      } catch (error) {
        if (error instanceof ServerGone) await delay(20);
        else if (error instanceof Refused && tolerated.has(error.code)) return undefined;
        else if (error instanceof Refused && passing.has(error.code)) await delay(50);
        else {
          this.refusals.push(
            `${ask.kind}: ${error instanceof Refused ? `${error.code} ${error.message}` : String(error)}`,
          );
          return undefined;
        }
      }
    }
  }

  async #begin(index: number, plan: Plan): Promise<void> {
    const options = this.#optionsOf(index, plan);
    const ask: Ask = { kind: "start", input: { plan: index, ops: plan.ops }, options };
    for (let unknown = 0; ; unknown++) {
      try {
        const answer = await this.#options.fleet.ask(ask);
        if (isJsonObject(answer) && typeof answer["run"] === "string") {
          this.needs.set(answer["run"], options.after?.runs ?? []);
          this.#accept(index, plan, answer["run"]);
        }
        return;
      } catch (error) {
        if (error instanceof Refused) {
          if (passing.has(error.code) && !this.#stopped) continue;
          // The time came while the server was away, or its clock has jumped.
          if (error.code === "time_past") return;
          this.refusals.push(`start of plan ${index}: ${error.code} ${error.message}`);
          return;
        }
        if (!(error instanceof ServerGone)) throw error;
        if (this.#stopped) return;
        await delay(20);
        // Without a key nobody can tell whether it was accepted; with one, starting again gives the same run while it is unfinished.
        if (error.message !== "not there" && !plan.dedup) return;
      }
    }
  }

  #accept(index: number, plan: Plan, run: string): void {
    this.accepted.push({ plan: index, run });
    this.release(run, plan.ops);
    const { action } = plan;
    if (action !== undefined) {
      this.#tell(async () => {
        await delay(action.afterMs);
        this.noteDeed(run, action.kind);
        await this.insist({ kind: action.kind, run });
        if (action.kind === "pause") await this.#resumeLater(run);
      });
    }
  }

  async #resumeLater(run: string): Promise<void> {
    await delay(150);
    await this.insist({ kind: "resume", run });
  }

  #tell(story: () => Promise<void>): void {
    const told = story().finally(() => this.stories.delete(told));
    this.stories.add(told);
  }

  #optionsOf(index: number, plan: Plan): StartOptions {
    const { queue, tenant, priority, delayMs, needs, onFailure, attempts, dedup } = plan;
    const runs = needs.flatMap((back) =>
      this.accepted.filter((each) => each.plan === index - back).map(({ run }) => run),
    );
    return {
      tags: { plan: index },
      ...(dedup ? { key: `plan-${index}` } : {}),
      ...(tenant === undefined ? {} : { tenant }),
      ...(queue === "none"
        ? {}
        : {
            queue,
            priority,
            retry: { attempts, minDelayMs: 10, maxDelayMs: 100 },
            ...(delayMs > 0 ? { startAt: Date.now() + delayMs } : {}),
            ...(runs.length > 0 ? { after: { runs, onFailure } } : {}),
          }),
    };
  }
}

/** Are refusals that answer the question: the run has ended, or is not in the state any more. */
const tolerated = new Set(["run_finished", "effect_not_parked", "run_not_dead"]);
/** Are refusals that pass. */
const passing = new Set([
  "database_busy",
  "database_unreachable",
  "run_owned",
  "database_full",
  "run_interrupted",
  "run_fenced",
]);
