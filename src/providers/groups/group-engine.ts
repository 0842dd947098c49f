import { systemClock, systemRandom } from "../../base/index.ts";
import type { ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import type { Prices } from "../money/price.ts";
import { retryPolicy } from "../resilience/retry-policy.ts";
import { createAffinity } from "./affinity.ts";
import { GroupCall, type GroupState } from "./group-call.ts";
import type { FallbackRules, GroupOptions } from "./group-options.ts";
import { createMembers } from "./member.ts";
import { failover } from "./strategies/failover.ts";

/** Is what a group is made of, and what it is called. */
export interface GroupSetup extends Pick<GroupState, "provider" | "name" | "reported" | "filters"> {
  readonly options: GroupOptions;
}

/** Makes the calls of one group, which share what is known of its members. */
export interface GroupEngine {
  call(request: ModelRequest, options: StreamOptions): AsyncIterator<StreamPart, undefined, undefined>;
}

/** Is what follows in mid-stream where nothing else is said. */
export const defaultFallback: FallbackRules = { onText: "restart", onTools: "stop" };

/** Prices nothing but what is free. */
const unpriced: Prices = { version: "none", costMicroUsd: ({ free }) => (free === true ? 0 : null) };

/** Makes the engine of a group. */
export function createGroupEngine({ options, ...identity }: GroupSetup): GroupEngine {
  const { clock = systemClock, random = systemRandom, prices = unpriced, queueMs = 60_000 } = options;
  const policy = retryPolicy(options.retry);
  const state: GroupState = {
    ...identity,
    members: createMembers(options.members, { clock, random }),
    strategy: options.strategy ?? failover(),
    affinity: options.affinity === undefined ? undefined : createAffinity(options.affinity, clock),
    prices,
    queueMs,
    longestWaitMs: policy.longestWaitMs,
    clock,
    random,
    policy,
    rules: { ...defaultFallback, ...options.fallback },
  };
  return { call: (request, callOptions) => new GroupCall(state, request, callOptions) };
}
