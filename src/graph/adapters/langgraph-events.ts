import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { EmittedEvent } from "../../runs/index.ts";

const maxDataLength = 8_000;

/** Says where in the run a chunk comes from. */
export interface ChunkOrigin {
  readonly node: string;
  readonly visit: number;
  /** The name of the LangGraph graph. */
  readonly graph: string;
}

/**
 * Makes events of a chunk of LangGraph's stream: `langgraph.updated` when one of its nodes is done; pieces of messages and what
 * nodes write to the stream are `langgraph.streamed`, live only. Data that is long is left out, with its size told.
 */
export function* eventsOf(chunk: unknown, { node, visit, graph }: ChunkOrigin): Generator<EmittedEvent> {
  if (!Array.isArray(chunk)) return;
  const [path, mode, payload] = chunk as readonly unknown[];
  const within = Array.isArray(path) && path.length > 0 ? { within: path.map(String) } : {};
  const about = { node, visit, graph, ...within };
  if (mode === "updates" && typeof payload === "object" && payload !== null) {
    for (const [at, update] of Object.entries(payload))
      if (!at.startsWith("__")) yield { type: "langgraph.updated", data: { ...about, at, ...plain("update", update) } };
  }
  if (mode === "custom")
    yield { type: "langgraph.streamed", data: { ...about, ...plain("data", payload) }, transient: true };
  if (mode === "messages" && Array.isArray(payload)) {
    const [message, metadata] = payload as readonly unknown[];
    const at = textIn(metadata, "langgraph_node");
    const text = textIn(message, "text");
    if (text !== "") yield { type: "langgraph.streamed", data: { ...about, at, text }, transient: true };
  }
}

function textIn(value: unknown, key: string): string {
  const found = typeof value === "object" && value !== null && key in value ? (value as JsonObject)[key] : undefined;
  return typeof found === "string" ? found : "";
}

/** Gives a value as it can be told: as plain data, or its size where it is long. */
function plain(key: string, value: unknown): JsonObject {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return {};
  }
  if (text === undefined || text === "null") return {};
  if (text.length > maxDataLength) return { sizeChars: text.length };
  return { [key]: JSON.parse(text) as JsonValue };
}
