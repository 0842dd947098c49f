import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { baseErrors } from "./errors.ts";
import type { JsonObject } from "./json-value.ts";

/** Is any schema that follows the Standard Schema (zod, valibot, arktype, …). */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** Is the type of a value before the schema has read it. */
export type SchemaInput<S extends Schema> = StandardSchemaV1.InferInput<S>;

/** Is the type of a value after the schema has read it. */
export type SchemaOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>;

/** Is one reason why a value was refused; `path` is dotted, empty for the value itself. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
}

/** Is the outcome of reading a value with a schema. */
export type SchemaResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/**
 * Makes a schema by hand, where a schema library would be loaded for a few fields alone: `validate` reads a value, and `form` is the JSON
 * Schema that models and people are shown.
 */
export function schemaByHand<Output, Input = Output>(
  form: JsonObject,
  validate: (value: unknown) => StandardSchemaV1.Result<Output>,
): Schema<Input, Output> {
  const standard = {
    version: 1 as const,
    vendor: "atlas",
    validate,
    jsonSchema: { input: () => form, output: () => form },
  };
  return { "~standard": standard };
}

/** Reads a value with a schema and returns the value or the reasons; never throws for a bad value. */
export async function checkSchema<S extends Schema>(schema: S, value: unknown): Promise<SchemaResult<SchemaOutput<S>>> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { ok: true, value: result.value as SchemaOutput<S> };
  return {
    ok: false,
    issues: result.issues.map((issue) => ({ path: pathOf(issue.path), message: issue.message })),
  };
}

function pathOf(path: StandardSchemaV1.Issue["path"]): string {
  return (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}

/**
 * Reads a value with a schema.
 *
 * Errors: invalid_input; the message names `what` and each place that is wrong.
 */
export async function parseSchema<S extends Schema>(schema: S, value: unknown, what: string): Promise<SchemaOutput<S>> {
  const result = await checkSchema(schema, value);
  if (result.ok) return result.value;
  throw baseErrors.create("invalid_input", `The ${what} is not valid: ${describeIssues(result.issues)}.`, {
    details: { issues: result.issues.map((issue) => ({ ...issue })) },
  });
}

/** Writes issues as one line: `city: expected string; days: too big`. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues.map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`)).join("; ");
}

/**
 * Gives the JSON Schema (draft 2020-12) of what a schema accepts.
 *
 * Errors: invalid_input when the library that made the schema cannot write JSON Schema or the schema has no such form.
 * Source: the Standard JSON Schema trait `~standard.jsonSchema`.
 */
export function jsonSchemaOf(schema: Schema, what: string): JsonObject {
  const standard = schema["~standard"] as Partial<StandardJSONSchemaV1.Props> & { vendor: string };
  if (standard.jsonSchema === undefined) {
    throw baseErrors.create(
      "invalid_input",
      `The schema of ${what} (${standard.vendor}) cannot be written as JSON Schema; pass a zod 4 schema or one with the Standard JSON Schema trait.`,
    );
  }
  try {
    const { $schema: _, ...rest } = standard.jsonSchema.input({ target: "draft-2020-12" });
    return rest as JsonObject;
  } catch (cause) {
    throw baseErrors.create("invalid_input", `The schema of ${what} has no JSON Schema form.`, { cause });
  }
}
