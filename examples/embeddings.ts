// Finds the text that is nearest to a question, by vectors. Here a local server stands in for the provider, so that the example
// runs offline: it counts which words of a small list stand in a text. Leave `baseUrl` out and give a key for the real one.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { openai } from "atlas-agents/providers/openai-chat";

const words = ["bread", "dough", "yeast", "train", "ticket", "rain"];
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const { input } = JSON.parse(body) as { input: string[] };
  console.log(`${input.length} texts in one request`);
  const data = input.map((text, index) => {
    const embedding = words.map((word) => 0.01 + text.toLowerCase().split(word).length - 1);
    return { object: "embedding", index, embedding };
  });
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ data, usage: { prompt_tokens: 8 * input.length } }));
}
const server = createServer((request, response) => void answer(request, response));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;

await using provider = openai({ baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "sk-example" });
const embedder = provider.embedder?.("words-6");
if (embedder === undefined) throw new Error("This provider has no embeddings.");

const texts = [
  "Knead the dough until it is smooth.",
  "The train to Lisbon leaves at nine.",
  "Take a coat: rain is coming.",
];
const documents = await embedder.embed(texts, { purpose: "document" });
const question = await embedder.embed(["How do I make bread dough?"], { purpose: "query" });

// All vectors have length 1, so that the sum of products is the cosine of the angle between two.
const nearness = documents.vectors.map((vector) =>
  vector.reduce((sum, number, place) => sum + number * (question.vectors[0]?.[place] ?? 0), 0),
);
const best = nearness.indexOf(Math.max(...nearness));
console.log(`nearest: ${texts[best]} (${nearness[best]?.toFixed(2)})`);
console.log(`${embedder.dimensions} dimensions, ${documents.usage.inputTokens} tokens (${documents.usage.provenance})`);
server.close();
