import type { JsonObject, JsonValue } from "../base/index.ts";
import type { Message, Model, ModelRequest, Usage } from "../providers/index.ts";
import type { AgentInput } from "./agent-input.ts";

/** Is how far a run of an agent has come. Units: `costMicroUsd` as in AgentResult; `steps` model calls that were made. */
export interface AgentState {
  readonly messages: readonly Message[];
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  readonly steps: number;
}

/** Is what an agent's own functions see of a run. `step` counts model calls from 1: it is the one that is to be made. */
export interface AgentView {
  readonly input: AgentInput;
  readonly step: number;
  readonly state: AgentState;
}

/** Writes an agent's instructions for its next call. Recorded in the run: a replay has the same. */
export type InstructionsFunction = (view: AgentView) => string | Promise<string>;

/** Chooses the model of an agent's next call: a model, or `provider/name`; undefined for the configured or detected one. */
export type ModelFunction = (view: AgentView) => Model | string | undefined | Promise<Model | string | undefined>;

/** Are an agent's options for every call of its model; `providerOptions` go into the request of the provider that they name. */
export type ModelOptions = Pick<
  ModelRequest,
  "temperature" | "maxOutputTokens" | "stopSequences" | "seed" | "providerOptions"
>;

/** Is what a condition to stop looks at: an answer of the model, and what its tool calls gave. */
export interface AgentTurn extends AgentView {
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: JsonValue }[];
  readonly results: readonly { readonly id: string; readonly output: JsonValue; readonly failed?: boolean }[];
}

/** Ends an agent's run when its function says so, which is asked after each answer and its tool calls. Recorded in the run. */
export interface StopCondition {
  readonly name: string;
  readonly holds: (turn: AgentTurn) => boolean | Promise<boolean>;
}

/** Says whether a person is asked before a call of a tool; a function is given the input of the call. */
export type ApprovalRule = "always" | "never" | ((input: JsonObject) => boolean | Promise<boolean>);

/** Makes a condition that holds once a tool of this name was called without failing. */
export function toolCalled(name: string): StopCondition {
  return {
    name: `toolCalled(${name})`,
    holds: ({ calls, results }) =>
      calls.some(
        (call) => call.name === name && results.some((result) => result.id === call.id && result.failed !== true),
      ),
  };
}

/** Makes a condition that holds once the model's text matches. */
export function textMatches(pattern: RegExp): StopCondition {
  // Without the flags that make a pattern remember where it stopped.
  const search = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return { name: `textMatches(${String(search)})`, holds: ({ text }) => search.test(text) };
}
