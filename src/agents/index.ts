export { agent } from "./agent.ts";
export type { AgentFinishReason } from "./agent.ts";
export { queryPerformance } from "./query-performance.ts";
export type { PerformanceReport } from "./query-performance.ts";
export { textMatches, toolCalled } from "./agent-view.ts";
export type {
  AgentState,
  AgentTurn,
  AgentView,
  ApprovalRule,
  InstructionsFunction,
  ModelFunction,
  ModelOptions,
  StopCondition,
} from "./agent-view.ts";
export type { AgentPerformance, ModelWork, PerformanceSource, PerformanceSummary, Work } from "./performance.ts";
export type { Agent, AgentInput, AgentLimits, AgentOptions, AgentResult, AnyAgent, RunBudget } from "./agent.ts";
export { agentWorkflow } from "./agent-workflow.ts";
export type { AgentSurroundings } from "./agent-surroundings.ts";
export { agentErrors } from "./errors.ts";
export { checkRunBudget } from "./limit-values.ts";
export { agentCallable } from "./agent-callable.ts";
export type { AgentFacts, AgentMetadata, AgentRequirements, Deprecation } from "./agent-metadata.ts";
export { agentFactory, makeAgent } from "./agent-factory.ts";
export type { AgentFactory, AgentFactoryOptions, AnyAgentFactory } from "./agent-factory.ts";
export { createRegistry } from "./registry.ts";
export type { AgentSource, RegisterOptions, Registry, RegistryOptions } from "./registry.ts";
export type { RegistryProblem } from "./registry-check.ts";
export { splitReference } from "./registry-entry.ts";
export type { RegisteredAgent } from "./registry-entry.ts";
export type { AgentMatch, AgentNeeds, AgentQuery } from "./registry-query.ts";
export { agentClass, agentOf, isAgentClass, toolMethod } from "./agent-class.ts";
export type { ToolMethodOptions } from "./agent-class.ts";
