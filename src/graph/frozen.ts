import type { JsonValue } from "../base/index.ts";

/** Freezes plain data, with all that is in it: a node that changed the state in place would do it in this execution only. Cost: what is not yet frozen. */
export function frozen<T extends JsonValue>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}
