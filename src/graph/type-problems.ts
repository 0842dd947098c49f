import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { isJsonObject, jsonSchemaOf } from "../base/index.ts";
import type { Runnable } from "../runs/index.ts";
import type { NodeDefinition } from "./node.ts";
import type { GraphParts } from "./parts.ts";
import type { GraphStructure } from "./structure.ts";

/**
 * Finds nodes whose schemas do not fit the state, as far as schemas tell: what a tool needs, what an agent or a tool gives. Only kinds
 * of values are compared (text, number, list, …), key by key.
 */
export function typeProblems({ nodes }: GraphStructure, parts: GraphParts): readonly string[] {
  const state = propertiesOf(parts.state);
  if (state === undefined) return [];
  return Object.keys(nodes).flatMap((name) => {
    const definition = parts.nodes.get(name);
    return definition === undefined || typeof definition.run === "function"
      ? []
      : [...inputProblems(name, definition, state), ...outputProblems(name, definition, state)];
  });
}

type Definition = NodeDefinition<JsonObject, JsonObject>;

function inputProblems(name: string, { run, input }: Definition, state: JsonObject): readonly string[] {
  const schema = schemaOf(run, "input");
  if (schema === undefined || input !== undefined) return [];
  const { properties, required } = schema;
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).flatMap(([key, wanted]) => {
    const given = state[key];
    const isNeeded = Array.isArray(required) && required.includes(key);
    if (given === undefined)
      return isNeeded
        ? [`The node ${name} needs ${key}, which the state does not have; map it with node(…, { input }).`]
        : [];
    return mismatch(`The node ${name} needs ${key} as`, wanted, given);
  });
}

function outputProblems(name: string, { run, output }: Definition, state: JsonObject): readonly string[] {
  if (typeof run === "function" || typeof output === "function") return [];
  const schema = schemaOf(run, "output");
  if (schema === undefined) {
    const givesText = run.kind === "agent" && !hasSchema(run, "output");
    return givesText && output === undefined
      ? [
          `The node ${name} gives a text; say which key of the state it is, such as node(${run.name}, { output: ${JSON.stringify(Object.keys(state)[0] ?? "key")} }).`,
        ]
      : [];
  }
  if (output !== undefined) return mismatch(`The node ${name} gives ${output} as`, schema, state[output]);
  const { properties } = schema;
  if (!isJsonObject(properties)) {
    const keys = Object.keys(state).join(", ");
    return [
      `The node ${name} gives ${kindsOf(schema).join(" or ") || "a value"}, not an object with keys of the state (${keys}); map it with node(…, { output }).`,
    ];
  }
  return Object.entries(properties).flatMap(([key, given]) => {
    const wanted = state[key];
    if (wanted === undefined)
      return [`The node ${name} gives ${key}, which the state does not have; map it with node(…, { output }).`];
    return mismatch(`The node ${name} gives ${key} as`, given, wanted);
  });
}

/** Compares kinds of values; what schemas do not tell fits. */
function mismatch(what: string, one: JsonValue, other: JsonValue | undefined): readonly string[] {
  const [here, there] = [kindsOf(one), kindsOf(other)];
  if (here.length === 0 || there.length === 0 || here.some((kind) => there.includes(kind))) return [];
  return [`${what} ${here.join(" or ")}, but in the state it is ${there.join(" or ")}.`];
}

function kindsOf(schema: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(schema ?? null)) return [];
  const { type, anyOf, enum: values, const: value } = schema as JsonObject;
  if (typeof type === "string") return [plainKind(type)];
  if (Array.isArray(type)) return type.filter((each) => typeof each === "string").map(plainKind);
  if (Array.isArray(anyOf)) {
    const kinds = anyOf.map((each: JsonValue) => kindsOf(each));
    return kinds.some((each) => each.length === 0) ? [] : kinds.flat();
  }
  if (Array.isArray(values)) return values.map((each: JsonValue) => typeof each);
  return value === undefined ? [] : [typeof value];
}

function plainKind(type: string): string {
  return type === "integer" ? "number" : type;
}

function hasSchema(run: Runnable, which: "input" | "output"): boolean {
  return which in run && (run as Partial<Record<typeof which, unknown>>)[which] !== undefined;
}

function schemaOf(run: Definition["run"], which: "input" | "output"): JsonObject | undefined {
  if (typeof run === "function" || !["agent", "tool"].includes(run.kind) || !hasSchema(run, which)) return undefined;
  try {
    return jsonSchemaOf((run as Runnable & Record<typeof which, Schema>)[which], run.name);
  } catch {
    return undefined;
  }
}

function propertiesOf(schema: Schema): JsonObject | undefined {
  try {
    const { properties } = jsonSchemaOf(schema, "the state");
    return isJsonObject(properties ?? null) ? (properties as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
