import type { Clock, Random } from "../../base/index.ts";
import type { Model } from "../model.ts";
import type { Prices } from "../money/price.ts";
import type { Gate } from "../resilience/gate.ts";
import type { RetryBudget } from "../resilience/retry-budget.ts";
import type { RetryPolicy } from "../resilience/retry-policy.ts";
import type { Strategy } from "./strategy.ts";

/**
 * Says what becomes of an answer that nobody reads on. `cancel+estimate` closes the connection and counts what had come and
 * what was sent; `none` closes it and counts only what the provider itself had reported, for providers that bill nothing
 * more; `drain` reads on in the background to learn what was really used, for at most `maxMs` (30,000 by default) and at
 * most `maxCalls` at the same time (8 by default), beyond which it is as `cancel+estimate`.
 */
export type CancelPolicy =
  | "cancel+estimate"
  | "none"
  | "drain"
  | { readonly drain: { readonly maxMs?: number; readonly maxCalls?: number } };

/** Is a model as a member of a group. What is not named has its default; a plain model is a member too. */
export interface GroupMember {
  readonly model: Model;
  /** Share of the calls, for `weighted()`; 1 by default. */
  readonly weight?: number | undefined;
  /** How good it is at each kind of task, 0 to 1. */
  readonly strengths?: Readonly<Record<string, number>> | undefined;
  /** Stands before the model; share it wherever the same model and key are used. Its own with a breaker and a cooldown by default. */
  readonly gate?: Gate | undefined;
  /** Bounds the retries of the provider; share it among all its models. One for each provider in the group by default. */
  readonly retryBudget?: RetryBudget | undefined;
  readonly cancel?: CancelPolicy | undefined;
  /** What a budget that limits money does about a model without a known price; `refuse` by default. */
  readonly unknownPrice?: "refuse" | "allow" | undefined;
}

/**
 * Says what follows when a member breaks after some of its answer has reached the reader. `onText` for text: `restart` tells
 * the reader to forget it and gives a whole new answer; `continue` goes on where it stopped, where the next member can
 * (otherwise as `restart`); `stop` ends with the error. `onTools` for tool calls and signed reasoning.
 */
export interface FallbackRules {
  readonly onText: "restart" | "continue" | "stop";
  readonly onTools: "stop" | "restart";
  /** Asks a model without prefill to go on; without it such a model restarts the answer. */
  readonly continuePrompt?: string | undefined;
  /**
   * Leaves a member that has given nothing for so long, as long as another could take the call; no limit by default, but for
   * the time limits of the models. Units: milliseconds.
   */
  readonly firstPartMs?: number | undefined;
}

/** Keeps the calls of a session on one member. Units: milliseconds since its last answer; sessions that are remembered (10,000 by default). */
export interface AffinityOptions {
  readonly ttlMs: number;
  readonly maxSessions?: number | undefined;
}

/** Are the options of `group`. Units: `queueMs` milliseconds that a call may wait for a place (60,000 by default). */
export interface GroupOptions {
  readonly name: string;
  readonly members: readonly (Model | GroupMember)[];
  /** `failover()` by default. */
  readonly strategy?: Strategy | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly fallback?: Partial<FallbackRules> | undefined;
  readonly affinity?: AffinityOptions | undefined;
  readonly prices?: Prices | undefined;
  readonly queueMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Are the options of `guarded`: those of a group and of its only member. */
export type GuardOptions = Omit<GroupMember, "model" | "weight" | "strengths"> &
  Pick<GroupOptions, "retry" | "fallback" | "prices" | "queueMs" | "clock" | "random">;
