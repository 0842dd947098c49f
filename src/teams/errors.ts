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
  reward_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A reward, its meter, its arms or its ledger is told something that cannot be reckoned with.",
    fix: "Correct what the message names.",
  },
});
