import type { JsonValue } from "../base/index.ts";
import { parseJson } from "../base/index.ts";
import { cliErrors } from "./errors.ts";

/** Reads an option whose value is JSON. Errors: usage, naming the option and an example. */
export function jsonOption(text: string, flag: string): JsonValue {
  try {
    return parseJson(text, flag);
  } catch (cause) {
    const hint = `${flag} must be JSON, as in ${flag} '{"approved":true}' or ${flag} '"a text"'.`;
    throw cliErrors.create("usage", hint, { cause });
  }
}
