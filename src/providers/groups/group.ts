import { baseErrors } from "../../base/index.ts";
import type { Model, ModelCapabilities, StreamPart } from "../model.ts";
import { retryPolicy } from "../resilience/retry-policy.ts";
import { groupCapabilities } from "./group-capabilities.ts";
import type { createGroupEngine, GroupEngine, GroupSetup } from "./group-engine.ts";
import type { GroupOptions, GuardOptions } from "./group-options.ts";

/**
 * Makes a model of several models: each call is answered by the member that the strategy chooses, and by another when that
 * one fails. It alone tries again, keeps the limits of its members, enforces the budget of the call and tells in
 * `report` what every attempt used.
 *
 * Errors: no_provider_available with `details` { candidates, retryAtMs } when no member can take a call; those of its
 * members when nothing is left to try; budget_exceeded; invalid_input for a group that makes no sense. `details.report` of
 * each tells of the attempts.
 * Cost: what answers calls is loaded in the background.
 * @example examples/group-fallback.ts
 */
export function group(options: GroupOptions): Model {
  const { name } = options;
  if (options.members.length === 0) {
    throw baseErrors.create("invalid_input", `The group ${name} has no members; name at least one model.`, {
      details: { group: name },
    });
  }
  const models = options.members.map((member) => ("model" in member ? member.model : member));
  return modelOf({ options, provider: "group", name, reported: name, filters: true }, groupCapabilities(models));
}

/**
 * Guards a single model: a group of one, with the provider, name and capabilities of the model itself. A model that is managed
 * already is given back.
 */
export function guarded(model: Model, options: GuardOptions = {}): Model {
  if (model.managed === true) return model;
  const { retry, fallback, prices, queueMs, clock, random, ...member } = options;
  const { provider, name, capabilities } = model;
  const group = { name, members: [{ model, ...member }], retry, fallback, prices, queueMs, clock, random };
  return modelOf({ options: group, provider, name, reported: undefined, filters: false }, capabilities);
}

let createEngine: typeof createGroupEngine | undefined;

/** An import costs what a program needs to begin: the engine comes when there is a group. */
async function load(): Promise<typeof createGroupEngine> {
  createEngine ??= (await import("./group-engine.ts")).createGroupEngine;
  return createEngine;
}

function modelOf(setup: GroupSetup, capabilities: ModelCapabilities): Model {
  const { provider, name } = setup;
  // What makes no sense is told where it is written, not at the first call.
  retryPolicy(setup.options.retry);
  load().catch(() => {});
  let engine: GroupEngine | undefined;
  const made = (create: typeof createGroupEngine): GroupEngine => (engine ??= create(setup));
  return {
    provider,
    name,
    capabilities,
    managed: true,
    stream: (request, options = {}) => ({
      [Symbol.asyncIterator]: () =>
        createEngine === undefined
          ? whenLoaded(async () => made(await load()).call(request, options))
          : made(createEngine).call(request, options),
    }),
  };
}

type Parts = AsyncIterator<StreamPart, undefined, undefined>;

/** Makes the iterator of a call that comes before the engine does. */
function whenLoaded(make: () => Promise<Parts>): Parts {
  let call: Promise<Parts> | undefined;
  let left = false;
  return {
    async next() {
      if (left) return { done: true, value: undefined };
      call ??= make();
      return await (await call).next();
    },
    async return() {
      left = true;
      await (await call)?.return?.();
      return { done: true, value: undefined };
    },
  };
}
