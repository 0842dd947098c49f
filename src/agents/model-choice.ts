import { isJsonObject, toAtlasError } from "../base/index.ts";
import type { JsonValue } from "../base/index.ts";
import type { Model } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import type { AgentInput, AnyAgent } from "./agent.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import type { AgentView } from "./agent-view.ts";
import { inTime, isLate } from "./in-time.ts";
import type { Loop, LoopState } from "./loop-state.ts";
import { viewOf } from "./loop-state.ts";

/** Names a model as the log does: `provider/name`. */
export function nameOf({ provider, name }: Pick<Model, "provider" | "name">): string {
  return `${provider}/${name}`;
}

/** Finds the model that a run begins with: the one it was started with, or its agent's. A function is asked for the first call. */
export async function firstModel(agent: AnyAgent, input: AgentInput, surroundings: AgentSurroundings): Promise<Model> {
  if (input.model !== undefined) return await surroundings.model(input.model);
  return await found(
    typeof agent.model === "function" ? await agent.model(beginning(input)) : agent.model,
    surroundings,
  );
}

/** Finds the model that the run began with, also when the run is taken up where another would be detected. */
export async function modelNamed(
  name: string,
  { agent, input, surroundings }: Pick<Loop, "agent" | "input" | "surroundings">,
): Promise<Model> {
  const own =
    typeof agent.model === "function" && input.model === undefined ? await agent.model(beginning(input)) : agent.model;
  if (typeof own === "object" && nameOf(own) === name) return await surroundings.managed(own);
  return await surroundings.model(name);
}

/**
 * Finds the model of the next call: the one that a person switched to, else what the agent's function chooses (a step of the run), else
 * that of the run.
 */
export async function modelForStep(loop: Loop, state: LoopState): Promise<Model> {
  const { agent, input, context, surroundings, models } = loop;
  if (state.model !== undefined) return await known(loop, state.model);
  const choose = agent.model;
  if (typeof choose !== "function" || input.model !== undefined || state.steps === 0) return loop.model;
  const choice = await context.step("choose-model", async () => {
    const chosen = await inTime(
      loop.signal,
      async () => await found(await choose(viewOf(loop, state)), surroundings),
    ).catch((error: unknown) => {
      // The call itself says that the time is over, and what becomes of the best so far.
      if (isLate(error)) return loop.model;
      throw error;
    });
    models.set(nameOf(chosen), chosen);
    return nameOf(chosen);
  });
  if (models.has(choice)) return await known(loop, choice);
  // The step was done before a restart: its model, if it was the program's own, is had by asking again.
  const again = await choose(viewOf(loop, state));
  const model = typeof again === "object" && nameOf(again) === choice ? await surroundings.managed(again) : undefined;
  if (model !== undefined) models.set(choice, model);
  return await known(loop, choice);
}

async function known({ models, surroundings, model }: Loop, name: string): Promise<Model> {
  const have = name === nameOf(model) ? model : models.get(name);
  if (have !== undefined) return have;
  const made = await surroundings.model(name);
  models.set(name, made);
  return made;
}

async function found(chosen: Model | string | undefined, surroundings: AgentSurroundings): Promise<Model> {
  return typeof chosen === "object" ? await surroundings.managed(chosen) : await surroundings.model(chosen);
}

/** The first call has nothing behind it. */
function beginning(input: AgentInput): AgentView {
  const usage = { inputTokens: 0, outputTokens: 0, provenance: "reported" } as const;
  return { input, step: 1, state: { messages: [], usage, costMicroUsd: 0, steps: 0 } };
}

/** Reads what was sent with `steer`: `{ model }` switches the model, with a `text` beside it that is for the model to read. */
export function readSwitch(input: JsonValue): { readonly model: string; readonly text?: string } | undefined {
  if (!isJsonObject(input)) return undefined;
  const { model, text, ...rest } = input;
  if (typeof model !== "string" || Object.keys(rest).length > 0) return undefined;
  if (text !== undefined && typeof text !== "string") return undefined;
  return text === undefined ? { model } : { model, text };
}

/** Tells whether a model can be switched to, as a step of the run; a name that is none changes nothing, and the log says why. */
export async function trySwitch(
  { context, surroundings }: { readonly context: RunContext; readonly surroundings: AgentSurroundings },
  model: string,
  step: number,
): Promise<boolean> {
  return await context.step("switch-model", async () => {
    try {
      await surroundings.model(model);
    } catch (error) {
      const { code, message } = toAtlasError(error);
      context.emit({ type: "model.switch_refused", data: { step, model, code, message } });
      return false;
    }
    context.emit({ type: "model.switched", data: { step, model, by: "steer" } });
    return true;
  });
}
