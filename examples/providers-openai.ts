// OpenAI over Chat Completions, over Responses, and any endpoint that speaks the first. A small server here speaks OpenAI's
// formats, so that the example runs offline: leave `baseUrl` out and give a real key, and it is OpenAI that answers.
import { generate, systemMessage, userMessage } from "atlas-agents";
import { openai, openaiCompatible } from "atlas-agents/providers/openai-chat";
import { openaiResponses } from "atlas-agents/providers/openai-responses";
import { wireFormats, wireServer } from "atlas-agents/testing";

await using server = await wireServer();
server.answer(({ path, body }) => {
  if (body.includes("stream_options") && body.includes("old-model")) {
    return { status: 400, chunks: ['{"error":{"message":"Unknown parameter: stream_options"}}'] };
  }
  const format = wireFormats[path.endsWith("/responses") ? "openai-responses" : "openai-chat"];
  return format.answer(body.includes('"tools"') ? "tool" : "text");
});
const baseUrl = `${server.url}/v1`;

// 1. Chat Completions: text as it comes, and what it cost.
await using chat = openai({ apiKey: "test", baseUrl });
for await (const part of chat.model("gpt-5.4-mini").stream({ messages: [userMessage("Why does bread rise?")] })) {
  if (part.type === "text.delta") process.stdout.write(part.text);
  if (part.type === "response.finished") console.log(`\n${part.finishReason}`, part.usage);
}

// 2. Responses: a tool, an image, and an effort; the model's thoughts go along with the conversation, and nothing is stored.
await using responses = openaiResponses({ apiKey: "test", baseUrl });
const answer = await generate(responses.model("gpt-5.4"), {
  messages: [
    systemMessage("You plan days out."),
    {
      role: "user",
      content: [
        { type: "text", text: "Where was this, and how is the weather there?" },
        { type: "file", mediaType: "image/png", data: "iVBORw0KGgo=" },
      ],
    },
  ],
  tools: [
    {
      name: "weather",
      description: "Tells the weather in a city.",
      inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  ],
  providerOptions: { "openai-responses": { reasoning: { effort: "low", summary: "auto" } } },
});
console.log(answer.finishReason, answer.toolCalls);

// 3. Any endpoint of this kind. One that does not want to be asked for usage is remembered.
await using mine = openaiCompatible({ name: "mine", baseUrl, capabilities: { reasoning: true } });
const old = mine.model("old-model");
for (let count = 0; count < 2; count++) await generate(old, { messages: [userMessage("Hello")] });
const asked = server.requests.filter((request) => request.body.includes("old-model"));
console.log(`${asked.length} requests for 2 calls`);
