import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the teams domain. */
export const teamErrors = defineErrors("teams", {
  team_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A team is defined in a way that cannot work.",
    fix: "Correct what the message names.",
  },
  team_failed: {
    status: 502,
    retry: "later",
    exitCode: 7,
    summary: "The members of a team gave nothing that could be its result.",
    fix: "See in the run's events why each member failed (atlas runs show), and mend that; or allow more.",
  },
  plan_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A plan has problems that could not be put right, also after its planner was told.",
    fix: "Correct each task that the message names, or use a stronger model for the planner.",
  },
  plan_failed: {
    status: 502,
    retry: "later",
    exitCode: 7,
    summary: "No task of a plan was done.",
    fix: "See why each failed with: atlas runs events ID. Then start it again, or give it other agents or a larger budget.",
  },
  reward_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A reward, its meter, its arms or its ledger is told something that cannot be reckoned with.",
    fix: "Correct what the message names.",
  },
});
