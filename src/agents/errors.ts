import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the agents domain. */
export const agentErrors = defineErrors("agents", {
  agent_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "An agent is defined in a way that cannot work.",
    fix: "Correct what the message names.",
  },
  agent_output_invalid: {
    status: 502,
    retry: "later",
    exitCode: 7,
    summary: "The model's answer did not follow the agent's output schema, also after it was told what is wrong.",
    fix: "Use a stronger model, make the schema simpler, or describe its fields.",
  },
  agent_timed_out: {
    status: 504,
    retry: "changed",
    exitCode: 6,
    summary: "The agent's run took longer than its limit.",
    fix: "Raise limits.timeoutMs, or ask for less at once.",
  },
});
