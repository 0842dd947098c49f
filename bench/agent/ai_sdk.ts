import { loadPeer } from "./load-peer.ts";
import { instantModel, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Calls `generateText` of the AI SDK. */
export async function open(): Promise<Subject> {
  const { generateText } = (await loadPeer("ai-sdk")) as {
    generateText: (options: object) => Promise<{ readonly text: string }>;
  };
  const model = instantModel("v4");
  return {
    call: async () => (await generateText({ model, instructions, prompt: question })).text,
    async [Symbol.asyncDispose]() {},
  };
}
