import type { AnyAgent } from "../agents/index.ts";
import type { AnyTeam, Team, TeamContext } from "../teams/index.ts";
import { team } from "../teams/index.ts";
import type { Manager } from "../teams/manager/index.ts";
import { once } from "./once.ts";

/**
 * Makes the teams that are there without being defined: `manager` plans for all agents that are known and carries the plan out,
 * `manager.planning` only plans, `supervisor` goes round its roles until the result is accepted. Cost: they are loaded when one runs.
 */
export function standingTeams(agents: ReadonlyMap<string, AnyAgent>): ReadonlyMap<string, AnyTeam> {
  // Each is made once: the agents of its own are known by their names from then on, and another one's would be refused.
  const listed: AnyAgent[] = [];
  const managerOf = once(async (): Promise<Manager> => {
    const { manager } = await import("../teams/manager/index.ts");
    return manager({ name: "manager", agents: listed });
  });
  const load = async (): Promise<Manager> => {
    // The list is the manager's own, so that it plans for agents that came later too.
    listed.splice(0, listed.length, ...agents.values());
    return await managerOf();
  };
  const supervisorOf = once(async () => {
    const { supervisor } = await import("../teams/supervisor/index.ts");
    return supervisor({ name: "supervisor" });
  });
  const later = (name: string, make: () => Promise<Team<unknown>>): AnyTeam =>
    team<unknown>({
      name,
      members: [],
      run: async (context: TeamContext, goal: string) => await (await make()).run(context, goal),
    });
  const all = [
    later("manager", load),
    later("manager.planning", async () => (await load()).planning),
    later("supervisor", supervisorOf),
  ];
  return new Map(all.map((each) => [each.name, each]));
}

/** Adds to teams those that only plan, so that they can be started by name too. */
export function withPlanning(teams: readonly AnyTeam[]): readonly AnyTeam[] {
  return teams.flatMap((each) => (isManager(each) ? [each, each.planning] : [each]));
}

function isManager(value: AnyTeam): value is AnyTeam & Pick<Manager, "planning"> {
  return "planning" in value;
}
