// Anthropic: thoughts that are sent back, a prompt cache, a document. A small server here speaks Anthropic's format, so that the
// example runs offline: leave `baseUrl` out and give a real key, and it is Anthropic that answers.
import { generate, type Message, userMessage } from "atlas-agents";
import { anthropic } from "atlas-agents/providers/anthropic";
import { wireServer } from "atlas-agents/testing";

const events = [
  {
    type: "message_start",
    message: {
      id: "msg_1",
      model: "claude-sonnet-5",
      usage: { input_tokens: 40, cache_read_input_tokens: 900, cache_creation_input_tokens: 0, output_tokens: 1 },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Page 2 says it." } },
  { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "signed-by-anthropic" } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Thirty days a year." } },
  { type: "content_block_stop", index: 1 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 25 } },
  { type: "message_stop" },
];
await using server = await wireServer();
server.answer({
  headers: { "content-type": "text/event-stream" },
  chunks: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
});

await using provider = anthropic({ apiKey: "test", baseUrl: server.url });
const model = provider.model("claude-sonnet-5");

// What stays the same in every call is marked: up to here it comes out of the cache, which is kept for an hour.
const rules: Message = {
  role: "system",
  content: [{ type: "text", text: "Answer from the handbook alone." }],
  cache: "long",
};
const question: Message = {
  role: "user",
  content: [
    { type: "file", mediaType: "application/pdf", data: "JVBERi0xLjQ=", name: "handbook.pdf" },
    { type: "text", text: "How many days of holidays does everybody have?" },
  ],
  cache: "short",
};
const thinking = { anthropic: { thinking: { type: "adaptive" } } };

const first = await generate(model, { messages: [rules, question], providerOptions: thinking });
console.log(first.text, first.usage);

// The answer goes back as it is: with the thought and its signature, which Anthropic checks.
const conversation = [rules, question, first.message, userMessage("And in the first year?")];
await generate(model, { messages: conversation, providerOptions: thinking });
const [, second] = server.requests.map((request) => request.body);
console.log("thought sent back:", second?.includes("signed-by-anthropic"));
console.log("marks:", second?.match(/"ttl":"(5m|1h)"/g)?.join(" "));

// What the model cannot read is refused before anything is sent.
const video: Message = { role: "user", content: [{ type: "file", mediaType: "video/mp4", data: "AAAA" }] };
await generate(model, { messages: [video] }).catch((error: Error) => console.log(error.message));
