import type { JsonObject } from "../../base/index.ts";
import type { CacheMark } from "../message.ts";

/** Is how many marks Anthropic takes in one request. */
const maxMarks = 4;

/** Is a mark and the block that it is for: the last one of its message. */
export interface MarkedBlock {
  readonly cache: CacheMark;
  /** Puts the block with its mark in the place of the block. */
  readonly replace: (write: (block: JsonObject) => JsonObject) => void;
}

/**
 * Writes the marks into the blocks. Order: as the blocks come in the request.
 *
 * Of more than four the first stays, because what it covers changes least, and the last three. A long mark must not follow a
 * short one, so a short one before it becomes long: what a long mark covers is kept long anyway.
 */
export function writeMarks(marks: readonly MarkedBlock[]): void {
  const kept = marks.length > maxMarks ? [...marks.slice(0, 1), ...marks.slice(1 - maxMarks)] : marks;
  const lastLong = kept.findLastIndex((mark) => mark.cache === "long");
  for (const [index, mark] of kept.entries()) {
    const ttl = index <= lastLong ? "1h" : "5m";
    mark.replace((block) => ({ ...block, cache_control: { type: "ephemeral", ttl } }));
  }
}
