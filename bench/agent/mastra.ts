import { loadPeer } from "./load-peer.ts";
import { instantModel, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Runs an agent of Mastra, without memory or storage. */
export async function open(): Promise<Subject> {
  const { Agent } = (await loadPeer("@mastra/core/agent")) as {
    Agent: new (options: object) => { generate(prompt: string): Promise<{ readonly text: string }> };
  };
  const agent = new Agent({ id: "instant", name: "instant", instructions, model: instantModel("v2") });
  return { call: async () => (await agent.generate(question)).text, async [Symbol.asyncDispose]() {} };
}
