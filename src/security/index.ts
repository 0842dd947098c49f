export { Secret, isSecret, secretMask } from "./secret.ts";
export { createRedactor } from "./redact.ts";
export type { RedactorOptions } from "./redact.ts";
export { redactedJson } from "./redacted-json.ts";
