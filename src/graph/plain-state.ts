import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { schemaByHand } from "../base/index.ts";

/**
 * Makes the schema of a state from what it begins with where nothing else is given: the keys and their kinds. For graphs that come
 * with Atlas, which needs no schema library; null stands for a value of any kind.
 */
export function plainState<State extends JsonObject>(defaults: State): Schema<Partial<State>, State> {
  const form = {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(defaults).map(([key, value]) => [key, value === null ? {} : { type: kindOf(value) }]),
    ),
  };
  return schemaByHand<State, Partial<State>>(form, (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return { issues: [{ message: "must be an object" }] };
    const given = value as JsonObject;
    const issues = Object.entries(given)
      .filter(([key, each]) => defaults[key] !== null && kindOf(each) !== kindOf(defaults[key]))
      .map(([key]) => ({ path: [key], message: `must be a ${kindOf(defaults[key])}` }));
    return issues.length > 0 ? { issues } : { value: { ...defaults, ...given } };
  });
}

function kindOf(value: JsonValue | undefined): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}
