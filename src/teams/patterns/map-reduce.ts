import type { JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { Team } from "../team.ts";
import { teamErrors } from "../errors.ts";
import type { MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import { eachBounded } from "./bounded.ts";
import { splitGoal } from "./list-of.ts";
import { brief, isRunnable } from "./members.ts";
import type { OutputOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import type { Split } from "./split.ts";
import { partsOf } from "./split.ts";

/** Is one item and what was made of it. */
export interface Mapped {
  readonly item: JsonValue;
  readonly output: JsonValue;
}

/** Makes one output of all that were mapped. Order: that of the items. It must be pure, or do what is not in a step. */
export type Reduce<Output> = (results: readonly Mapped[], goal: string) => Output | Promise<Output>;

/** Are the options of `mapReduce`. */
export interface MapReduceOptions<Reducer> extends PatternOptions {
  /** Splits the goal, once; its lines and sentences by default. A member gives a list, or a text with one. */
  readonly split?: Split;
  /** Does one item, which is its goal as it is. */
  readonly map: Runnable;
  /** Joins the results: a member gets the goal and the results in their order. */
  readonly reduce: Reducer;
  /** Units: items at once; 4 by default. */
  readonly concurrency?: number;
  /** Units: items; more are refused with team_failed. 1,000 by default. */
  readonly maxItems?: number;
  /** What a failure of one item does: it ends the team (the default), or the item is left out. */
  readonly onFailure?: "fail" | "skip";
}

/**
 * Makes a team that splits a goal, does all parts with one member at once, and joins what came of them.
 *
 * Shape: it adds the events `goal.split` { items } and `items.mapped` { done, failed, left }. `metadata` has the same numbers.
 * Order: results are joined in the order of the items, whichever came first.
 * Errors: team_invalid; those of a member; team_failed where nothing was mapped, or there are too many items.
 * @example examples/patterns.ts
 */
export function mapReduce<Output>(options: MapReduceOptions<Reduce<Output>>): Team<Output>;
export function mapReduce<Reducer extends Runnable>(options: MapReduceOptions<Reducer>): Team<OutputOf<Reducer>>;
export function mapReduce(options: MapReduceOptions<Reduce<unknown> | Runnable>): Team<unknown> {
  const { name, split = splitGoal, map, reduce, concurrency = 4, maxItems = 1_000, onFailure = "fail" } = options;
  if (!(concurrency >= 1)) {
    throw teamErrors.create("team_invalid", `The concurrency of the team ${name} must be a number from 1 on.`);
  }
  return patternTeam<unknown>(options, {
    members: [split, map, reduce].filter((each) => typeof each !== "function"),
    async run(asking, context, goal) {
      const items = await partsOf(asking, context, { team: name, goal, split, parts: "items", most: maxItems });
      context.emit({ type: "goal.split", data: { items: items.length } });
      const given = await eachBounded(items, concurrency, async (item) => ({
        item,
        given: await asking.ask(map, item),
      }));
      const results: MemberResult[] = [];
      const mapped: Mapped[] = [];
      for (const each of given) {
        if (each.given.status === "failed" && onFailure === "skip") continue;
        const result = answered(each.given);
        if (result === undefined) continue;
        results.push(result);
        mapped.push({ item: each.item, output: result.output });
      }
      const failed = given.filter((each) => each.given.status === "failed").length;
      const counts = { done: mapped.length, failed, left: items.length - mapped.length - failed };
      context.emit({ type: "items.mapped", data: counts });
      if (mapped.length === 0) throw asking.nothing();
      if (!isRunnable(reduce)) {
        return asking.conclude(await reduce(mapped, goal), { from: results, metadata: counts });
      }
      const list = takeOutputs(mapped);
      const joined = answered(await asking.ask(reduce, brief(reduce, goal, { results: list })));
      // What was mapped is the best there is where a limit leaves no room for joining it.
      if (joined === undefined) return asking.conclude(list, { from: results, metadata: counts });
      const { output, text } = joined;
      return asking.conclude(output, { from: [...results, joined], text, metadata: counts });
    },
  });
}

function takeOutputs(mapped: readonly Mapped[]): JsonValue[] {
  return mapped.map(({ output }) => output);
}
