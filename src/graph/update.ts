import type { JsonObject, Schema } from "../base/index.ts";
import { checkSchema, describeIssues } from "../base/index.ts";
import { graphErrors } from "./errors.ts";

/** Makes certain that what a node gave can be merged into the state. Errors: graph_state_invalid. */
export function checkUpdate(
  node: string,
  keys: ReadonlySet<string> | undefined,
  result: unknown,
): JsonObject | undefined {
  if (result === undefined || result === null) return undefined;
  if (typeof result !== "object" || Array.isArray(result)) {
    const what = Array.isArray(result) ? "a list" : `a ${typeof result}`;
    throw invalid(
      node,
      `gave ${what}, not an object whose keys are of the state; say which key it is, such as node(…, { output: ${exampleOf(keys)} })`,
    );
  }
  const update = result as JsonObject;
  const unknown = Object.keys(update).filter((key) => (keys === undefined ? key === "__proto__" : !keys.has(key)));
  if (unknown.length === 0) return update;
  const known = keys === undefined ? "keys of any other name" : [...keys].join(", ");
  throw invalid(
    node,
    `gave ${unknown.join(", ")}, which the state does not have (it has: ${known}); map what it gives with node(…, { output })`,
  );
}

/**
 * Makes certain that the values of an update are of the state's types, as its schema reads them. Errors: graph_state_invalid.
 * Cost: reads the whole state, so it is done only for what the compiler has not checked.
 */
export async function checkValues(
  node: string,
  update: JsonObject | undefined,
  { state, schema }: { readonly state: JsonObject; readonly schema: Schema },
): Promise<JsonObject | undefined> {
  if (update === undefined) return undefined;
  const read = await checkSchema(schema, { ...state, ...update });
  if (read.ok) {
    const values = read.value as JsonObject;
    return Object.fromEntries(Object.entries(update).map(([key, value]) => [key, values[key] ?? value]));
  }
  const own = read.issues.filter(({ path }) => Object.hasOwn(update, path.split(".")[0] ?? ""));
  if (own.length === 0) return update;
  throw invalid(
    node,
    `gave something that does not fit the state: ${describeIssues(own)}; map it with node(…, { output })`,
  );
}

function exampleOf(keys: ReadonlySet<string> | undefined): string {
  const [first = "key"] = keys ?? [];
  return JSON.stringify(first);
}

function invalid(node: string, what: string): Error {
  return graphErrors.create("graph_state_invalid", `The node ${node} ${what}.`, { details: { node } });
}
