import { createOpenAI } from "@ai-sdk/openai";
import OpenAI from "openai";
import { Agent } from "undici";
import { openaiCompatible } from "../../src/providers/adapters/openai-chat.ts";
import { installPeers } from "../lib/peers.ts";

/** Reads one answer to its end, or until `stop` says so, and counts its pieces of text. */
export type ReadAnswer = (baseUrl: string, first?: () => void) => Promise<number>;

const clients = { atlas, floor, ai_sdk: aiSdk, openai_sdk: openaiSdk, langchain };

/** Names a client that is measured. */
export type ClientName = keyof typeof clients;

/** Are the names of all. */
export const clientNames = Object.keys(clients) as ClientName[];

/** Tells whether a text names a client. */
export function isClientName(text: string): text is ClientName {
  return Object.hasOwn(clients, text);
}

/** Makes a client. */
export async function openClient(name: ClientName): Promise<ReadAnswer> {
  return await clients[name]();
}

const prompt = "Why does bread rise?";
const apiKey = "sk-bench";

/** Reads through Atlas: the model's stream, every part, the text of each delta. */
function atlas(): ReadAnswer {
  const models = new Map<string, ReturnType<ReturnType<typeof openaiCompatible>["model"]>>();
  const modelOf = (baseUrl: string) => {
    const known = models.get(baseUrl);
    if (known !== undefined) return known;
    const made = openaiCompatible({ name: "bench", baseUrl, apiKey }).model("m");
    models.set(baseUrl, made);
    return made;
  };
  const request = { messages: [{ role: "user" as const, content: [{ type: "text" as const, text: prompt }] }] };
  return async (baseUrl, first) => {
    let pieces = 0;
    for await (const part of modelOf(baseUrl).stream(request)) {
      if (part.type !== "text.delta" || part.text === "") continue;
      if (pieces === 0) first?.();
      pieces++;
    }
    return pieces;
  };
}

/**
 * Is the floor: undici's `request`, its body read with `for await`, decoded as it comes, cut at empty lines, each event's data
 * parsed once, and the text of its delta read. No errors, no time limits, no cancelling, no usage, no tool calls.
 */
function floor(): ReadAnswer {
  const agent = new Agent();
  const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: prompt }] });
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  return async (baseUrl, first) => {
    const url = new URL(`${baseUrl}/chat/completions`);
    const response = await agent.request({ origin: url.origin, path: url.pathname, method: "POST", headers, body });
    const decoder = new TextDecoder();
    let rest = "";
    let pieces = 0;
    for await (const chunk of response.body) {
      const text = rest + decoder.decode(chunk as Uint8Array, { stream: true });
      let start = 0;
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n", start)) {
        const data = text.slice(start + 6, end);
        start = end + 2;
        if (data === "[DONE]") continue;
        const event = JSON.parse(data) as { choices: { delta: { content?: string } }[] };
        const content = event.choices[0]?.delta.content;
        if (content === undefined || content === "") continue;
        if (pieces === 0) first?.();
        pieces++;
      }
      rest = text.slice(start);
    }
    return pieces;
  };
}

/** Reads through the AI SDK's provider for OpenAI, at its lowest public level: `doStream`. */
function aiSdk(): ReadAnswer {
  return async (baseURL, first) => {
    const model = createOpenAI({ baseURL, apiKey }).chat("gpt-4o");
    const { stream } = await model.doStream({ prompt: [{ role: "user", content: [{ type: "text", text: prompt }] }] });
    let pieces = 0;
    for await (const part of stream) {
      if (part.type !== "text-delta" || part.delta === "") continue;
      if (pieces === 0) first?.();
      pieces++;
    }
    return pieces;
  };
}

/** Reads through OpenAI's own client. */
function openaiSdk(): ReadAnswer {
  return async (baseURL, first) => {
    const client = new OpenAI({ baseURL, apiKey });
    const stream = await client.chat.completions.create({
      model: "m",
      stream: true,
      messages: [{ role: "user", content: prompt }],
    });
    let pieces = 0;
    for await (const chunk of stream) {
      if (!chunk.choices[0]?.delta.content) continue;
      if (pieces === 0) first?.();
      pieces++;
    }
    return pieces;
  };
}

/** Reads through LangChain's ChatOpenAI, installed beside the benches on first use. */
async function langchain(): Promise<ReadAnswer> {
  await installPeers();
  // A name that TypeScript does not follow: the package is not part of this repository's install.
  const name = "@langchain/openai";
  const { ChatOpenAI } = (await import(name)) as LangChain;
  return async (baseURL, first) => {
    const model = new ChatOpenAI({ model: "m", apiKey, configuration: { baseURL } });
    let pieces = 0;
    for await (const chunk of await model.stream(prompt)) {
      if (chunk.content === "") continue;
      if (pieces === 0) first?.();
      pieces++;
    }
    return pieces;
  };
}

/** Is the little of LangChain that is used. */
interface LangChain {
  readonly ChatOpenAI: new (options: {
    readonly model: string;
    readonly apiKey: string;
    readonly configuration: { readonly baseURL: string };
  }) => { stream(input: string): Promise<AsyncIterable<{ readonly content: unknown }>> };
}
