export { agent } from "./agent.ts";
export type { Agent, AgentInput, AgentLimits, AgentOptions, AgentResult, AnyAgent, RunBudget } from "./agent.ts";
export { agentWorkflow } from "./agent-workflow.ts";
export type { AgentSurroundings } from "./agent-surroundings.ts";
export { agentErrors } from "./errors.ts";
export { checkRunBudget } from "./limit-values.ts";
export { agentCallable } from "./agent-callable.ts";
export type { AgentFacts, AgentMetadata, AgentRequirements, Deprecation } from "./agent-metadata.ts";
