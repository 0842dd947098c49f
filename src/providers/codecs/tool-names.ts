import { createHash } from "node:crypto";
import type { Emit, StreamDecoder } from "../transport/decoder.ts";
import type { ModelRequest, StreamPart } from "../model.ts";

const takenName = /^[A-Za-z0-9_-]{1,64}$/;

/** Writes the name of a tool as OpenAI and Anthropic take it. The same name is always written the same. */
export function writtenName(name: string): string {
  if (takenName.test(name)) return name;
  return `${name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 55)}_${digest(name, 8)}`;
}

/** Writes the id of a tool call; one that the format does not take becomes another, always the same. */
export function writtenId(id: string, taken: ToolIdRule): string {
  return taken.pattern.test(id) ? id : digest(id, taken.length);
}

/** Says which ids of tool calls a format takes, and how long those are that are made for it (of letters and digits). */
export interface ToolIdRule {
  readonly pattern: RegExp;
  readonly length: number;
}

/**
 * Gives the parts of a decoder the names that the request's tools have here, where they were written in another way.
 *
 * Cost: none when all names could be written as they are.
 */
export function withToolNames(decoder: StreamDecoder, request: ModelRequest): StreamDecoder {
  const odd = (request.tools ?? []).filter((tool) => !takenName.test(tool.name));
  if (odd.length === 0) return decoder;
  const names = new Map(odd.map((tool) => [writtenName(tool.name), tool.name]));
  const renaming =
    (emit: Emit): Emit =>
    (part) =>
      emit(named(part, names));
  return {
    push: (frame, emit) => decoder.push(frame, renaming(emit)),
    finish: (emit) => decoder.finish(renaming(emit)),
    get state() {
      return decoder.state;
    },
    get usage() {
      return decoder.usage;
    },
  };
}

function named(part: StreamPart, names: ReadonlyMap<string, string>): StreamPart {
  if (part.type !== "tool.started" && part.type !== "tool.completed") return part;
  const name = names.get(part.name);
  return name === undefined ? part : { ...part, name };
}

function digest(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
