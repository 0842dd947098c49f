import type { AnyAgent } from "../agents/index.ts";
import type { AnyTeam, Team, TeamContext } from "../teams/index.ts";
import { team } from "../teams/index.ts";
import type { Manager } from "../teams/manager/index.ts";

/**
 * Makes the manager that is there without being defined: `manager` plans for all agents that are known and carries the plan out,
 * `manager.planning` only plans. Cost: what plans is loaded when one of them runs.
 */
export function standingManager(agents: ReadonlyMap<string, AnyAgent>): ReadonlyMap<string, AnyTeam> {
  const load = async (): Promise<Manager> => {
    const { manager } = await import("../teams/manager/index.ts");
    return manager({ name: "manager", agents: [...agents.values()] });
  };
  const later = (name: string, choose: (made: Manager) => Team<unknown>): AnyTeam =>
    team<unknown>({
      name,
      members: [],
      run: async (context: TeamContext, goal: string) => await choose(await load()).run(context, goal),
    });
  const both = [later("manager", (made) => made), later("manager.planning", ({ planning }) => planning)];
  return new Map(both.map((each) => [each.name, each]));
}

/** Adds to teams those that only plan, so that they can be started by name too. */
export function withPlanning(teams: readonly AnyTeam[]): readonly AnyTeam[] {
  return teams.flatMap((each) => (isManager(each) ? [each, each.planning] : [each]));
}

function isManager(value: AnyTeam): value is AnyTeam & Pick<Manager, "planning"> {
  return "planning" in value;
}
