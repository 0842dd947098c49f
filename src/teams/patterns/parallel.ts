import type { Runnable } from "../../runs/index.ts";
import { runErrors } from "../../runs/index.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, Given, MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import type { OutputOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";

/** Are members by the names that their results stand under. */
export type NamedMembers = Readonly<Record<string, Runnable>>;

/** Is what parallel members give, by name; of a member that gave nothing there is nothing. */
export type ParallelOutput<Members extends NamedMembers> = {
  readonly [Name in keyof Members]?: OutputOf<Members[Name]>;
};

/** Are the options of `parallel`. */
export interface ParallelOptions<Members extends NamedMembers> extends PatternOptions {
  readonly members: Members;
  /**
   * `fail` (the default): a failure of one ends the team, once the others have ended. `keep going`: what the others give is the result.
   * `first wins`: the first answer is the result, and the others are cancelled.
   */
  readonly policy?: "fail" | "keep going" | "first wins";
}

/**
 * Makes a team whose members all get the goal at once; its output has their outputs by name.
 *
 * Shape: it adds the event `member.won` { member } where the first wins.
 * Errors: team_invalid; those of a member; team_failed where none answered.
 * Cost: with `first wins`, what the cancelled members had used is in their own runs and not in the sum.
 * @example examples/patterns.ts
 */
export function parallel<const Members extends NamedMembers>(
  options: ParallelOptions<Members>,
): Team<ParallelOutput<Members>> {
  const { policy = "fail" } = options;
  const named = Object.entries(options.members);
  return patternTeam<ParallelOutput<Members>>(options, {
    members: named.map(([, member]) => member),
    async run(asking, context, goal) {
      const given =
        policy === "first wins" ? await race(asking, context, { named, goal }) : await all(asking, named, goal);
      if (policy === "fail") for (const [, each] of given) answered(each);
      const results = given.flatMap(([name, each]): [string, MemberResult][] =>
        each.status === "answered" ? [[name, each.result]] : [],
      );
      if (results.length === 0) throw asking.nothing();
      const outputs = Object.fromEntries(results.map(([name, { output }]) => [name, output]));
      return asking.conclude(outputs as ParallelOutput<Members>, {
        from: results.map(([, result]) => result),
        text: results.map(([name, { text }]) => (results.length === 1 ? text : `${name}: ${text}`)).join("\n\n"),
      });
    },
  });
}

type Named = readonly (readonly [string, Runnable])[];
type NamedGiven = readonly (readonly [string, Given])[];

async function all(asking: Asking, named: Named, goal: string): Promise<NamedGiven> {
  return await Promise.all(named.map(async ([name, member]) => [name, await asking.ask(member, goal)] as const));
}

/** Takes the first answer. Who was first is recorded: all answers are there at once when the run is taken up again. */
async function race(
  asking: Asking,
  context: TeamContext,
  { named, goal }: { readonly named: Named; readonly goal: string },
): Promise<NamedGiven> {
  const others = new AbortController();
  const { signal } = others;
  const won = Promise.withResolvers<string | null>();
  const asked = named.map(async ([name, member]) => {
    const given = await asking.ask(member, goal, { signal });
    if (given.status === "answered") won.resolve(name);
    return [name, given] as const;
  });
  const ended = Promise.all(asked).then((given) => {
    won.resolve(null);
    return given;
  });
  // An end of the run is thrown by what waits for all.
  ended.catch((error: unknown) => won.reject(error));
  const winner = await context.step("winner", async () => {
    const member = await won.promise;
    if (member !== null) context.emit({ type: "member.won", data: { member } });
    return member;
  });
  others.abort(runErrors.create("run_cancelled", `Another member was first: ${winner ?? "none"}.`));
  return (await ended).filter(([name]) => name === winner);
}
