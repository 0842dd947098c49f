import { loadPeer } from "./load-peer.ts";
import { instantModel, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

// It warns of how this peer itself calls it, at each call: writing that would be measured too.
console.warn = () => {};

/** Runs an agent of VoltAgent, with the memory that it keeps by default. */
export async function open(): Promise<Subject> {
  const { Agent } = (await loadPeer("@voltagent/core")) as {
    Agent: new (options: object) => { generateText(prompt: string): Promise<{ readonly text: string }> };
  };
  const agent = new Agent({ name: "instant", instructions, model: instantModel("v3") });
  return { call: async () => (await agent.generateText(question)).text, async [Symbol.asyncDispose]() {} };
}
