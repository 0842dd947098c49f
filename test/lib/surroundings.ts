import type { AgentSurroundings } from "../../src/agents/agent-surroundings.ts";
import type { Clock } from "../../src/base/index.ts";
import type { Knowledge } from "../../src/knowledge/index.ts";
import type { Model } from "../../src/providers/index.ts";

/** Makes what an agent needs around it, with one model for every name. */
export function surroundingsOf(
  clock: Clock,
  knowledge: Knowledge,
  model: (name?: string) => Model | Promise<Model>,
): AgentSurroundings {
  return {
    clock,
    knowledge,
    maxFileBytes: 1_000_000,
    model: async (name) => await model(name),
    managed: async (own) => own,
  };
}
