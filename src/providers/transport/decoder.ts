import type { JsonObject } from "../../base/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";
import type { Fault } from "./fault.ts";
import type { Frame } from "./frames.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";

/** Takes a part of a stream. */
export type Emit = (part: StreamPart) => void;

/** Is what reading one frame came to: nothing to say, a frame that is not of the protocol, or the end of the call by a failure. */
export type FrameOutcome = Fault | "malformed" | undefined;

/**
 * Translates the frames of one answer into parts. Pure: no clock, no network.
 *
 * Order: `push` for every frame until `state` is `ended` or the body ends, then `finish` once.
 */
export interface StreamDecoder {
  push(frame: Frame, emit: Emit): FrameOutcome;
  /** Emits the rest and `response.finished`; a fault when the answer is not whole. */
  finish(emit: Emit): Fault | undefined;
  /** `complete` has all it needs but more may follow (a usage record); `ended` is final whatever the server still sends. */
  readonly state: "open" | "complete" | "ended";
  /** What the provider has said about tokens so far. */
  readonly usage: Omit<Usage, "provenance"> | undefined;
}

/** How long data must be to be nested so deeply that what is read of it could not be written again. */
const deepChars = 4_096;
const maxDepth = 1_000;

/** Reads a frame's data as a JSON object; undefined when it is none, or is nested without end. */
export function readFrame({ data }: Frame): JsonObject | undefined {
  try {
    const value: unknown = data.length < deepChars ? JSON.parse(data) : parseJson(data, "an event", { maxDepth });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a text field; empty when it is none. */
export function readText(object: JsonObject | undefined, key: string): string {
  const value = object?.[key];
  return typeof value === "string" ? value : "";
}

/** Reads a count; undefined when it is no whole number from 0 on, or one that is too large to be added up. */
export function readCount(object: JsonObject | undefined, key: string): number | undefined {
  return countOf(object?.[key]);
}

/** Tells a count from whatever else stands in its place. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Reads an object field; undefined when it is none. */
export function readObject(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = object?.[key];
  return isJsonObject(value) ? value : undefined;
}

/** Reads the objects of a list field; empty when it is none. */
export function readObjects(object: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = object?.[key];
  return Array.isArray(value) ? value.filter((item) => isJsonObject(item)) : [];
}

/** Is the fault of an answer that ended before its end was announced. */
export const cutOff: Fault = { code: "stream_interrupted", message: "ended its answer before its end" };
