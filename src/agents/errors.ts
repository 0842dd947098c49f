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
  agent_missing: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "No agent of this name, or of a version that fits, is registered.",
    fix: "Use a name or a version that the message lists, or register the agent. See all with: atlas agents list.",
  },
  agent_duplicate: {
    status: 409,
    retry: "changed",
    exitCode: 2,
    summary: "Two different agents have the same name and version.",
    fix: "Define it once, or give one of them another name or version; where both places are known, the message names them.",
  },
  agent_config_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "The configuration that a factory was given does not fit its schema.",
    fix: "Correct the places that the message names.",
  },
  registry_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary:
      "Agents cannot work together: one is missing, of the wrong version, in a circle, or its file cannot be loaded.",
    fix: "Correct each thing that the message lists; see them again with: atlas agents check.",
  },
});
