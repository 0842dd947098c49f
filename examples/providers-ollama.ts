// Ollama over its native API: how much context it holds is always said, and a conversation that was cut is noticed. A small
// server here speaks Ollama's format, so that the example runs offline: leave `baseUrl` out, and the Ollama of this machine answers.
import { generate, userMessage } from "atlas-agents";
import { ollama } from "atlas-agents/providers/ollama";
import { wireServer } from "atlas-agents/testing";

const line = (message: object, rest: object = { done: false }): string =>
  `${JSON.stringify({ model: "qwen3:4b", message: { role: "assistant", ...message }, ...rest })}\n`;

await using server = await wireServer();
server.answer({
  headers: { "content-type": "application/x-ndjson" },
  chunks: [
    line({ thinking: "Yeast makes gas." }),
    line({ content: "Because yeast " }),
    line({ content: "breathes." }),
    line({ content: "" }, { done: true, done_reason: "stop", prompt_eval_count: 2_048, eval_count: 9 }),
  ],
});

await using provider = ollama({ baseUrl: server.url, contextTokens: 16_384, think: true, keepAlive: "10m" });
const model = provider.model("qwen3:4b");

const { text, message, usage } = await generate(model, { messages: [userMessage("Why does bread rise?")] });
console.log(text, usage);
console.log("thoughts:", message.content[0]);

const sent = JSON.parse(server.requests[0]?.body ?? "{}") as { options?: unknown; keep_alive?: unknown };
console.log("sent:", sent.options, sent.keep_alive);

// A conversation of about 12,500 tokens of which the server read 2,048.
const long = await generate(model, { messages: [userMessage("A page of the book. ".repeat(2_500))] });
console.log("warning:", long.metadata);

// An error in the middle of an answer is an error, with what had been used by then.
server.answer({ chunks: [line({ content: "Because" }), '{"error":"llama runner process has terminated"}\n'] });
await generate(model, { messages: [userMessage("Why?")] }).catch((error: Error & { code?: string }) => {
  console.log(error.code, error.message);
});
