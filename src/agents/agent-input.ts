/** Bounds what one run may spend, whatever its agent may. Units: tokens of all calls; US dollars. */
export type RunBudget = { readonly maxTokens?: number; readonly maxCostUsd?: number };

/**
 * Is what a run of an agent takes. `knowledge` adds to the agent's own, `model` replaces it (`provider/name`), `budget` bounds
 * this run beside the agent's own limits, `tenant` names whose budget it spends.
 */
export type AgentInput = {
  readonly goal: string;
  readonly knowledge?: readonly string[];
  readonly model?: string;
  readonly budget?: RunBudget;
  readonly tenant?: string;
  /** Names a conversation that the agent remembers, and goes on with. */
  readonly thread?: string;
  /** The version of the agent that the run began with; noted where several may be there. */
  readonly version?: string;
};
