import { createRedactor, isSecret } from "../security/index.ts";

/** Tells whether a value is a section of settings: a table, no list, secret or date. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isSecret(value) && !(value instanceof Date)
  );
}

const redact = createRedactor();

/** Says what a value is, for a message: short, and with nothing that looks like a secret. */
export function described(value: unknown): string {
  if (typeof value === "string" && value.length > 40) return `a text of ${value.length} characters`;
  if (typeof value === "string") return `${kindOf(value)} ${JSON.stringify(redact(value))}`;
  return typeof value === "number" || typeof value === "boolean" ? `${kindOf(value)} ${value}` : kindOf(value);
}

/** Says of what kind a value is, and nothing of the value itself. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "string") return value.trim() === "" ? "an empty text" : "the text";
  if (typeof value === "number" || typeof value === "bigint") return "the number";
  if (typeof value === "boolean") return "the truth value";
  return typeof value === "object" ? "a section" : "something else";
}
