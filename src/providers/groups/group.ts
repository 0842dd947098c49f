import { baseErrors, systemClock, systemRandom } from "../../base/index.ts";
import type { Model, ModelCapabilities } from "../model.ts";
import type { Prices } from "../money/price.ts";
import { retryPolicy } from "../resilience/retry-policy.ts";
import { createAffinity } from "./affinity.ts";
import { GroupCall, type GroupState } from "./group-call.ts";
import { groupCapabilities } from "./group-capabilities.ts";
import type { FallbackRules, GroupOptions, GuardOptions } from "./group-options.ts";
import { createMembers } from "./member.ts";
import { failover } from "./strategies/failover.ts";

/** Is what follows in mid-stream where nothing else is said. */
export const defaultFallback: FallbackRules = { onText: "restart", onTools: "stop" };

/** Prices nothing but what is free. */
const unpriced: Prices = { version: "none", costMicroUsd: ({ free }) => (free === true ? 0 : null) };

/**
 * Makes a model of several models: each call is answered by the member that the strategy chooses, and by another when that
 * one fails. It alone tries again, keeps the limits of its members, enforces the budget of the call and tells in
 * `report` what every attempt used.
 *
 * Errors: no_provider_available with `details` { candidates, retryAtMs } when no member can take a call; those of its
 * members when nothing is left to try; budget_exceeded; invalid_input for a group that makes no sense. `details.report` of
 * each tells of the attempts.
 * @example examples/group-fallback.ts
 */
export function group(options: GroupOptions): Model {
  const { name } = options;
  if (options.members.length === 0) {
    throw baseErrors.create("invalid_input", `The group ${name} has no members; name at least one model.`, {
      details: { group: name },
    });
  }
  const state = stateOf(options, { provider: "group", name, reported: name });
  return modelOf(state, groupCapabilities(state.members.map((member) => member.model)));
}

/**
 * Guards a single model: a group of one, with the provider, name and capabilities of the model itself. A model that is managed
 * already is given back.
 */
export function guarded(model: Model, options: GuardOptions = {}): Model {
  if (model.managed === true) return model;
  const { retry, fallback, prices, queueMs, clock, random, ...member } = options;
  const { provider, name, capabilities } = model;
  const members = [{ model, ...member }];
  const state = stateOf(
    { name, members, retry, fallback, prices, queueMs, clock, random },
    { provider, name, reported: undefined },
  );
  return modelOf({ ...state, filters: false }, capabilities);
}

function stateOf(options: GroupOptions, identity: Pick<GroupState, "provider" | "name" | "reported">): GroupState {
  const { clock = systemClock, random = systemRandom, prices = unpriced, queueMs = 60_000 } = options;
  const policy = retryPolicy(options.retry);
  return {
    ...identity,
    members: createMembers(options.members, { clock, random }),
    strategy: options.strategy ?? failover(),
    affinity: options.affinity === undefined ? undefined : createAffinity(options.affinity, clock),
    prices,
    filters: true,
    queueMs,
    longestWaitMs: policy.longestWaitMs,
    clock,
    random,
    policy,
    rules: { ...defaultFallback, ...options.fallback },
  };
}

function modelOf(state: GroupState, capabilities: ModelCapabilities): Model {
  const { provider, name } = state;
  return {
    provider,
    name,
    capabilities,
    managed: true,
    stream: (request, options = {}) => ({
      [Symbol.asyncIterator]: () => new GroupCall(state, request, options),
    }),
  };
}
