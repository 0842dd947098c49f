// Atlas under the AI SDK, and the AI SDK under Atlas. Scripted models stand in for real ones, so that the example runs offline.
// Needs: npm install ai
import { streamText } from "ai";
import { generate, group, scripted, userMessage } from "atlas-agents/providers";
import { fromAiSdk, toAiSdk } from "atlas-agents/providers/ai-sdk";

// A group of Atlas is one model to the AI SDK: that its first member fails is not seen by who reads the text.
const members = [
  scripted([{ error: "provider_error" }], { name: "first" }),
  scripted(["Bread rises because yeast breathes."], { name: "second" }),
];
const both = toAiSdk(group({ name: "both", members, retry: { maxAttempts: 2 } }));

const answer = streamText({ model: both, prompt: "Why does bread rise?" });
for await (const piece of answer.textStream) process.stdout.write(piece);
console.log();
const { atlas } = (await answer.providerMetadata) ?? {};
console.log("attempts:", JSON.stringify(atlas?.["report"]).match(/"model":"\w+","outcome":"\w+"/gu));

// And back: any language model of the AI SDK is a model of Atlas, for example fromAiSdk(google("gemini-2.5-flash")).
const { text, model, usage } = await generate(fromAiSdk(both), { messages: [userMessage("Why does bread rise?")] });
console.log(model, "says:", text, usage);
