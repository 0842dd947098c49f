import type { StateSnapshot } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";

/** Is a compiled graph of LangGraph, as far as a node needs it. */
export interface CompiledLanggraph {
  readonly name?: string;
  readonly outputChannels: PropertyKey | readonly PropertyKey[];
  readonly interruptBefore?: "*" | readonly PropertyKey[];
  readonly interruptAfter?: "*" | readonly PropertyKey[];
  checkpointer?: BaseCheckpointSaver | boolean;
  withConfig(config: Readonly<Record<string, never>>): CompiledLanggraph;
  stream(input: unknown, options: Readonly<Record<string, unknown>>): Promise<AsyncIterable<unknown>>;
  getState(config: ThreadConfig): Promise<StateSnapshot>;
}

/** Names a thread of LangGraph, with what its nodes find beside it. */
export interface ThreadConfig {
  readonly configurable: Readonly<Record<string, unknown>>;
}
