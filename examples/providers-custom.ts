// A home-made model server, used without code of its own: the description below is plain JSON, as a settings file can hold it.
// Here the server is a few lines that answer offline; yours is anything that speaks HTTP.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { userMessage } from "atlas-agents";
import { generate } from "atlas-agents/providers";
import { customHttp } from "atlas-agents/providers/custom-http";

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  console.log(request.method, request.url, body);
  if (request.headers["x-team-key"] !== "open-sesame") return void response.writeHead(401).end();
  response.setHeader("content-type", "application/x-ndjson");
  for (const word of ["Yeast ", "breathes, ", "and the dough ", "rises."]) response.write(`{"token":"${word}"}\n`);
  response.end('{"done":true,"counts":{"in":7,"out":6}}\n');
}
const server = createServer((request, response) => void answer(request, response));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;

const endpoint = {
  request: {
    path: "/models/${model}/answer",
    headers: { "x-team-key": "${key}" },
    body: {
      question: "${prompt}",
      rules: "${system}",
      settings: { heat: "${temperature}", limit: "${maxOutputTokens}" },
    },
  },
  response: {
    stream: "ndjson",
    delta: "token",
    usage: { input: "counts.in", output: "counts.out" },
    end: { path: "done" },
  },
  capabilities: { contextTokens: 4096, cost: "free" },
};

await using team = customHttp({ name: "team", baseUrl: `http://127.0.0.1:${port}`, apiKey: "open-sesame", endpoint });
const { text, usage } = await generate(team.model("baker"), {
  messages: [userMessage("Why does bread rise?")],
  temperature: 0.2,
});
console.log(text, usage);

// A mistake in the description is found when the provider is made, with its place.
try {
  const request = { ...endpoint.request, body: { question: "${promt}" } };
  customHttp({ name: "team", baseUrl: "http://127.0.0.1:1", endpoint: { ...endpoint, request } });
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
server.close();
