export { runErrors } from "./errors.ts";
export { createRuns } from "./create-runs.ts";
export type { Retention, RunsOptions, WorkerOptions } from "./create-runs.ts";
export { runHistory } from "./run-history.ts";
export type { Runs, Workers } from "./desk.ts";
export { runStatuses } from "./run.ts";
export type { ClaimRequest, Queue, Ticket } from "./queue/queue.ts";
export type {
  DeadAttempt,
  DeadFilter,
  DeadLetter,
  DeadLetters,
  QueueLimits,
  QueueRecord,
  Queues,
  RedriveOptions,
  Schedule,
  ScheduleRecord,
  Schedules,
} from "./queues.ts";
export type {
  AnyWorkflow,
  CallOptions,
  Dependencies,
  EffectDecision,
  EffectRecord,
  EmittedEvent,
  FollowOptions,
  ForkOptions,
  ListOptions,
  PlannedRun,
  RetryPolicy,
  RunContext,
  RunEvent,
  RunHandle,
  RunRecord,
  RunReins,
  RunStatus,
  SignalOptions,
  StartOptions,
  StepContext,
  StepOptions,
  UnknownOutcome,
  WaitOptions,
  WorkerRecord,
  Workflow,
} from "./run.ts";
export type { Calendar, CalendarQuestion } from "./tasks/calendar.ts";
export { workflow } from "./workflow.ts";
export type { WorkflowOptions } from "./workflow.ts";
