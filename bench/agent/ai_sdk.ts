import { generateText } from "ai-sdk";
import { instantModel, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Calls `generateText` of the AI SDK. */
export async function open(): Promise<Subject> {
  const model = instantModel("v4");
  return {
    call: async () => (await generateText({ model, instructions, prompt: question })).text,
    async [Symbol.asyncDispose]() {},
  };
}
