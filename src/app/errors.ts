import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the app domain. */
export const appErrors = defineErrors("app", {
  settings_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A setting has a name that does not exist or a value of the wrong form.",
    fix: "Correct the setting that the message names; see all with: atlas config explain.",
  },
  settings_unreadable: {
    status: 500,
    retry: "changed",
    exitCode: 2,
    summary: "A settings file cannot be read, is no valid TOML, YAML or JSON, or stands twice in one folder.",
    fix: "Correct the file at the place that the message names, or move it away.",
  },
  setting_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "There is no setting of this name.",
    fix: "See all settings with: atlas config explain.",
  },
  name_taken: {
    status: 409,
    retry: "changed",
    exitCode: 2,
    summary: "Two things that are started by name have the same one.",
    fix: "Give one of them another name.",
  },
  agent_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "There is no agent of this name here.",
    fix: "Use one of the names that the message lists, or define the agent in atlas.toml under [agents.NAME].",
  },
  group_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 2,
    summary: "There is no group of models with this name.",
    fix: "Use one of the names that the message lists, or define the group in atlas.toml under [groups.NAME].",
  },
  tool_not_found: {
    status: 404,
    retry: "changed",
    exitCode: 2,
    summary: "An agent of the settings names a tool that no module exports.",
    fix: "Correct the name under [agents.NAME] tools, or list the file that exports the tool under modules.",
  },
  module_failed: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "A module of the settings cannot be loaded, does not finish loading, or exports nothing that Atlas knows.",
    fix: "Correct the file that the message names; export agents, teams, graphs, tools, workflows or providers.",
  },
  agent_file_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "An agent.md cannot be read, or says something of the agent that is wrong.",
    fix: "Correct each place that the message names, as FILE:LINE; docs/registry.md has the keys.",
  },
  goal_empty: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "There is no goal, or it is only white space.",
    fix: 'Say what you want, as in: atlas run "What does this project do?"',
  },
});
