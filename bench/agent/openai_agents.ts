import { loadPeer } from "./load-peer.ts";
import { answer, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Runs an agent of the OpenAI Agents SDK, without its tracing, which would send. */
export async function open(): Promise<Subject> {
  const { Agent, Runner, Usage } = (await loadPeer("@openai/agents")) as {
    Agent: new (options: object) => object;
    Runner: new (options: object) => { run(agent: object, input: string): Promise<{ readonly finalOutput: unknown }> };
    Usage: new (counts: object) => object;
  };
  const model = {
    getResponse: async () => ({
      usage: new Usage({ inputTokens: 12, outputTokens: 2, totalTokens: 14 }),
      output: [
        {
          type: "message" as const,
          role: "assistant" as const,
          status: "completed" as const,
          content: [{ type: "output_text" as const, text: answer }],
        },
      ],
      responseId: "instant",
    }),
    async *getStreamedResponse() {},
  };
  const agent = new Agent({ name: "instant", instructions, model });
  const runner = new Runner({ tracingDisabled: true });
  return {
    call: async () => String((await runner.run(agent, question)).finalOutput),
    async [Symbol.asyncDispose]() {},
  };
}
