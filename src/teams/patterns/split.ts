import type { JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { TeamContext } from "../team.ts";
import type { Asking } from "./asking.ts";
import { answered } from "./asking.ts";
import { listOf } from "./list-of.ts";
import { isRunnable } from "./members.ts";

/** Is what splits a goal: a member, which gives a list or a text with one, or a function. */
export type Split = Runnable | ((goal: string) => readonly JsonValue[] | Promise<readonly JsonValue[]>);

/** Says what is split, and into how many parts at most: what the parts are called, and the option that bounds them. */
export interface Splitting {
  readonly team: string;
  readonly goal: string;
  readonly split: Split;
  readonly parts: "items" | "tasks";
  readonly most: number;
}

/**
 * Splits a goal into its parts, once.
 *
 * Errors: team_failed for more parts than are allowed; those of the member.
 */
export async function partsOf(
  asking: Asking,
  context: TeamContext,
  { team, goal, split, parts, most }: Splitting,
): Promise<readonly JsonValue[]> {
  const found = isRunnable(split)
    ? listOf(answered(await asking.ask(split, goal))?.output ?? [])
    : await context.step("split", async () => [...(await split(goal))]);
  if (found.length <= most) return found;
  const option = parts === "items" ? "maxItems" : "maxTasks";
  throw teamErrors.create(
    "team_failed",
    `The goal of the team ${team} was split into ${found.length} ${parts}; ${most} are allowed. Raise ${option}.`,
    { details: { team, [parts]: found.length } },
  );
}
