// Is a provider in a process of its own, so that a bench counts the client's CPU alone. Speaks OpenAI's Chat Completions.
import { createServer, type ServerResponse } from "node:http";

const eventsInPacket = 50;
const paceMs = 25;

/*
 * The first part of a path says how the answer comes:
 * coalesced/N  N events, 50 in a packet          paced/N    N events, one in a packet, every 25 ms
 * held/N       N events, then silence            endless    an event every 25 ms until the client hangs up
 * state        what is open now, and when (monotonic nanoseconds) each endless answer was closed, by the model it was asked of
 */
const closed = new Map<string, string>();
const pacing = new Map<ServerResponse, number>();
let open = 0;

const event = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-BfTxq0yFvWw1n0qQyPpWZJ3kL5mN7",
    object: "chat.completion.chunk",
    created: 1_795_000_000,
    model: "gpt-5.4-mini-2026-03-17",
    service_tier: "default",
    system_fingerprint: "fp_34a54ae93c",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    usage: null,
    obfuscation: "aB3dE5fG",
  })}\n\n`;
const first = event({ role: "assistant", content: "", refusal: null });
const word = event({ content: " bread" });
const usage = `data: ${JSON.stringify({ id: "chatcmpl-BfTxq0yFvWw1n0qQyPpWZJ3kL5mN7", object: "chat.completion.chunk", choices: [], usage: { prompt_tokens: 9, completion_tokens: 400, total_tokens: 409 } })}\n\n`;
const last = `${event({}, "stop")}${usage}data: [DONE]\n\n`;

const server = createServer({ noDelay: true }, (incoming, response) => {
  let body = "";
  incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
  incoming.once("end", () => answer(incoming.url ?? "", body, response));
});
setInterval(tick, paceMs);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" && address !== null ? address.port : 0);
});
process.once("disconnect", () => process.exit());

function answer(path: string, body: string, response: ServerResponse): void {
  const [, mode = "", count = "0"] = path.split("/");
  if (mode === "state") {
    response.end(JSON.stringify({ open, closed: Object.fromEntries(closed) }));
    closed.clear();
    return;
  }
  const id = mode === "endless" ? /"model":"([^"]*)"/.exec(body)?.[1] : undefined;
  open++;
  response.once("close", () => {
    open--;
    pacing.delete(response);
    if (id !== undefined) closed.set(id, String(process.hrtime.bigint()));
  });
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_1" });
  response.write(first);
  if (mode === "paced") pacing.set(response, Number(count));
  else if (mode === "endless") pacing.set(response, Number.POSITIVE_INFINITY);
  else if (mode === "held") response.write(word.repeat(Number(count)));
  else pour(response, Number(count));
}

function tick(): void {
  for (const [response, left] of pacing) {
    pacing.set(response, left - 1);
    if (left > 0) response.write(word);
    else {
      pacing.delete(response);
      response.end(last);
    }
  }
}

function pour(response: ServerResponse, left: number): void {
  if (left <= 0) return void response.end(last);
  const more = (): void => pour(response, left - eventsInPacket);
  if (response.write(word.repeat(Math.min(left, eventsInPacket)))) setImmediate(more);
  else response.once("drain", more);
}
