import type { JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { Team } from "../team.ts";
import type { MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import { brief } from "./members.ts";
import type { OutputOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";

/** Are the options of `sequential`. */
export interface SequentialOptions<Members extends readonly Runnable[]> extends PatternOptions {
  /** Order: that of their turns. */
  readonly members: Members;
  /** What a failure of a member does: it ends the team (the default), or the next one goes on with what there was. */
  readonly onFailure?: "fail" | "skip";
}

/** Is the output of the last of some members. */
export type LastOutput<Members extends readonly Runnable[]> = Members extends readonly [...infer _, infer Last]
  ? OutputOf<Last>
  : JsonValue;

/**
 * Makes a team whose members work one after the other: each gets the goal, and what the one before gave. Its output is that of the
 * last.
 *
 * Errors: team_invalid; those of a member; team_failed where all were skipped.
 * @example examples/patterns.ts
 */
export function sequential<const Members extends readonly Runnable[]>(
  options: SequentialOptions<Members>,
): Team<LastOutput<Members>> {
  const { members, onFailure = "fail" } = options;
  return patternTeam<LastOutput<Members>>(options, {
    members,
    async run(asking, _, goal) {
      const results: MemberResult[] = [];
      for (const member of members) {
        const before = results.at(-1);
        const given = await asking.ask(member, before ? brief(member, goal, { before: before.output }) : goal);
        if (given.status === "failed" && onFailure === "skip") continue;
        const result = answered(given);
        if (result === undefined) break;
        results.push(result);
      }
      const last = results.at(-1);
      if (last === undefined) throw asking.nothing();
      const { text, finishReason } = last;
      return asking.conclude(last.output as LastOutput<Members>, { from: results, text, finishReason });
    },
  });
}
