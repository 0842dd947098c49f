import type { Runnable } from "../../runs/index.ts";
import type { Team, TeamContext, TeamOutcome } from "../team.ts";
import { team } from "../team.ts";
import type { Asking } from "./asking.ts";
import { createAsking } from "./asking.ts";
import type { PatternLimits } from "./limits.ts";
import { checkLimits } from "./limits.ts";
import { checkMembers } from "./members.ts";

/** Are the options that every pattern has. */
export interface PatternOptions {
  /** Names the team, also in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  readonly description?: string;
  readonly version?: string;
  readonly limits?: PatternLimits;
}

/** Says how the members of a pattern work together. */
export interface PatternParts<Output> {
  readonly members: readonly Runnable[];
  /** How many members there must be; 1 by default. */
  readonly least?: number;
  /** What bounds the pattern where its options say nothing. */
  readonly defaults?: PatternLimits;
  readonly run: (asking: Asking, context: TeamContext, goal: string) => Promise<TeamOutcome<Output>>;
}

/** Makes the team of a pattern: members and limits are checked, members are asked within the limits. Errors: team_invalid. */
export function patternTeam<Output>(options: PatternOptions, parts: PatternParts<Output>): Team<Output> {
  const { name, description, version } = options;
  const { members, least, run } = parts;
  const limits = { ...parts.defaults, ...options.limits };
  checkMembers(name, members, least);
  checkLimits(name, limits);
  return team<Output>({
    name,
    members: [...new Set(members)],
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { version }),
    run: async (context, goal) => await run(createAsking(context, name, limits), context, goal),
  });
}
