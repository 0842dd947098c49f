import type { Budget, Clock, JsonObject } from "../base/index.ts";
import type { PlacedMessage } from "../memory/window/index.ts";
import type { Message, Model, ModelRequest, Passage, Usage } from "../providers/index.ts";
import { noUsage } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import type { AnyTool, ToolMetrics, ToolPolicy } from "../tools/index.ts";
import type { AgentInput, AnyAgent } from "./agent.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import type { AgentState, AgentView } from "./agent-view.ts";
import type { SpendingLimits } from "./limits.ts";
import type { Work } from "./performance.ts";
import { noWork } from "./performance.ts";

/** Is what an agent's loop has reached; a checkpoint of the run holds it. Units: as in AgentResult; `seqs` are places of the run's log. */
export type LoopState = {
  /** The conversation, without the instructions, which are written anew for each call. */
  readonly messages: readonly Message[];
  /** Where each message stands in the log; 0 where that is not known. */
  readonly seqs?: readonly number[];
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  /** Is what is known of the cost where the whole is not: money limits go on counting from it. */
  readonly knownCostMicroUsd: number;
  readonly steps: number;
  readonly repairs: number;
  /** What a person switched to; overrules the agent's own choice. */
  readonly model?: string;
  /** What documents gave in messages that have left the conversation: answers may still cite it. */
  readonly passages?: readonly Passage[];
  /** How often each call gave what it gave. */
  readonly repeats?: Readonly<Record<string, number>>;
  readonly work?: Work;
  /** Which message says what is wanted. */
  readonly goalAt?: number;
};

/** Is what is sent beside the conversation. Units: tokens, as estimated. */
export interface Frame {
  readonly system: string;
  readonly request: Omit<ModelRequest, "messages">;
  readonly tokens: number;
}

/** Is what does not change while a run of an agent is executed. */
export interface Loop {
  readonly agent: AnyAgent;
  readonly input: AgentInput;
  readonly surroundings: AgentSurroundings;
  readonly context: RunContext;
  readonly clock: Clock;
  /** The model of the run, for calls that nothing else chooses a model for. */
  readonly model: Model;
  /** What was chosen meanwhile, by name: a program's own models cannot be found by theirs. */
  readonly models: Map<string, Model>;
  readonly tools: readonly AnyTool[];
  readonly schema: JsonObject | undefined;
  readonly signal: AbortSignal;
  /** When the agent's time is over. Units: milliseconds since the Unix epoch. */
  readonly endsAt: number | undefined;
  readonly budget: Budget;
  readonly limits: SpendingLimits;
  readonly policies: readonly ToolPolicy[];
  readonly toolMetrics: ToolMetrics | undefined;
  readonly facts: readonly string[];
  /** How many messages were recalled: the goal stands behind them. */
  readonly recalled: number;
  /** What is sent beside the conversation, as it was last made for each model. */
  readonly frames: Map<Model, { readonly written: string; readonly frame: Frame }>;
  /** Is where the loop is, for whoever tells of a run that failed. */
  readonly progress: { state: LoopState; model: Model };
  readonly checkpoint: (state: LoopState) => Promise<void>;
}

/** Makes the state of a run that begins. */
export function firstState(messages: readonly Message[]): LoopState {
  const seqs = messages.map(() => 0);
  return { messages, seqs, usage: noUsage, costMicroUsd: 0, knownCostMicroUsd: 0, steps: 0, repairs: 0, work: noWork };
}

/** Reads a state as a checkpoint holds it; those of older versions began with the instructions. */
export function restoredState(state: LoopState): LoopState {
  const messages = state.messages[0]?.role === "system" ? state.messages.slice(1) : state.messages;
  return { ...state, messages, seqs: state.seqs ?? messages.map(() => 0) };
}

/** Adds messages that stand at a place of the log. */
export function withMessages(state: LoopState, messages: readonly Message[], seq = 0): LoopState {
  return {
    ...state,
    messages: [...state.messages, ...messages],
    seqs: [...(state.seqs ?? []), ...messages.map(() => seq)],
  };
}

/** Gives each message with its place. */
export function placed({ messages, seqs = [] }: LoopState): readonly PlacedMessage[] {
  return messages.map((message, at) => ({ message, seq: seqs[at] ?? 0 }));
}

/** Gives what an agent's own functions see. */
export function viewOf({ input }: Loop, state: LoopState): AgentView {
  const { messages, usage, costMicroUsd, steps } = state;
  const seen: AgentState = { messages, usage, costMicroUsd, steps };
  return { input, step: steps + 1, state: seen };
}
