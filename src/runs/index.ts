export { runErrors } from "./errors.ts";
export { createRuns } from "./create-runs.ts";
export type { RunsOptions } from "./create-runs.ts";
export type { Retention } from "./engine.ts";
export { runStatuses } from "./run.ts";
export type {
  AnyWorkflow,
  EmittedEvent,
  FollowOptions,
  ListOptions,
  RunContext,
  RunEvent,
  RunHandle,
  RunRecord,
  RunStatus,
  Runs,
  StartOptions,
  StepContext,
  StepOptions,
  WaitOptions,
  Workflow,
} from "./run.ts";
export { workflow } from "./workflow.ts";
export type { WorkflowOptions } from "./workflow.ts";
