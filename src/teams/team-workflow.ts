import type { AgentInput, AgentResult } from "../agents/index.ts";
import type { Resolve, Workflow } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import type { AnyTeam, TeamSurroundings } from "./team.ts";

/**
 * Makes the workflow that runs a team: its function, with members that are asked as child runs.
 *
 * Shape: it adds these events to the log: `team.started` { team, members, goal }; `member.asked` { member, kind }; `member.answered`
 * { member, kind, usage, costMicroUsd }; patterns add their own.
 * Errors: those of the function and of the members.
 */
export function teamWorkflow(
  team: AnyTeam,
  resolve: Resolve,
  surroundings: TeamSurroundings = {},
): Workflow<AgentInput, AgentResult<unknown>> {
  return workflow({
    name: `team:${team.name}`,
    version: team.version,
    accepts: team.accepts,
    run: async (context, input: AgentInput) => {
      // Loaded with the first run: a program that only defines teams, or has none, does not pay for it.
      const { runTeam } = await import("./run-team.ts");
      return await runTeam(team, { context, input, resolve, surroundings });
    },
  });
}
