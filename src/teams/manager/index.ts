export { manager } from "./manager.ts";
export type { Manager, ManagerOptions } from "./manager.ts";
export type { ManagerLimitOptions } from "./limits.ts";
export type { Aggregate, DoneTask, MissingTask } from "./aggregate.ts";
export { checkPlan } from "./check-plan.ts";
export type { CheckedPlan, PlanFrame } from "./check-plan.ts";
export { planDraftSchema } from "./plan.ts";
export type { Plan, PlanDraft, PlanProblem, PlanRepair, PlanTask, SuccessCheck } from "./plan.ts";
export { findCircle, inOrder, remainingMs } from "./order.ts";
