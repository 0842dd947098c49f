import { secretMask } from "./secret.ts";

/**
 * Writes a value as JSON with the secrets taken out of every text in it, names of members too. To redact the finished JSON
 * instead could cut quotes and braces out with them.
 */
export function redactedJson(value: unknown, redact: (text: string) => string, indent?: number): string {
  const replace = (name: string, item: unknown): unknown => {
    if ((typeof item === "string" && item !== "") || typeof item === "number") {
      if (namesCredential(name, redact)) return secretMask;
      return typeof item === "string" ? redact(item) : item;
    }
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).map(([inner, each]: [string, unknown]) => [redact(inner), each]));
  };
  return JSON.stringify(value, replace, indent);
}

/** Tells whether the redactor would take out anything that stands after this name. */
function namesCredential(name: string, redact: (text: string) => string): boolean {
  return !redact(`${name}=placeholder`).endsWith("placeholder");
}
