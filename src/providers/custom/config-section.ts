import type { AtlasError, JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import { type JsonPath, parseJsonPath } from "./json-path.ts";

/**
 * Reads one object of a configuration, and knows where it stands.
 *
 * Errors: provider_config_invalid, with the place in the message and in `details.place`.
 */
export interface Section {
  readonly keys: readonly string[];
  value(key: string): JsonValue | undefined;
  text(key: string): string | undefined;
  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined;
  flag(key: string): boolean | undefined;
  path(key: string): JsonPath | undefined;
  /** Reads an object in it; `known` names its keys, or is undefined where they are free. */
  section(key: string, known: readonly string[] | undefined): Section | undefined;
  /** Makes the error of one of its keys; an empty key means the object itself. */
  wrong(key: string, message: string): AtlasError;
  /** Gives a value that must be there. */
  need<T>(key: string, value: T | undefined): T;
}

/** Says where a section stands: of which provider, and under which path of keys. */
export interface Place {
  readonly provider: string;
  readonly path: string;
}

/** Makes the reader of an object. Errors: provider_config_invalid when it is none or has a key that is not known. */
export function readSection(value: unknown, place: Place, known: readonly string[] | undefined): Section {
  const placeOf = (key: string): string => (key === "" ? place.path : `${place.path}.${key}`);
  const wrong: Section["wrong"] = (key, message) =>
    providerErrors.create(
      "provider_config_invalid",
      `The configuration of ${place.provider} is wrong at ${placeOf(key)}: ${message}.`,
      { details: { provider: place.provider, place: placeOf(key) } },
    );
  if (!isJsonObject(value)) throw wrong("", "an object is needed here");
  const object: JsonObject = value;
  const keys = Object.keys(object);
  const unknown = known === undefined ? undefined : keys.find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(unknown, `this key is not known; known here: ${known?.join(", ")}`);

  const read = <T>(key: string, what: string, accept: (found: JsonValue) => T | undefined): T | undefined => {
    const found = Object.hasOwn(object, key) ? object[key] : undefined;
    if (found === undefined || found === null) return undefined;
    const accepted = accept(found);
    if (accepted === undefined) throw wrong(key, `${what} is needed here`);
    return accepted;
  };
  const asText = (found: JsonValue): string | undefined => (typeof found === "string" ? found : undefined);
  return {
    keys,
    wrong,
    value: (key) => read(key, "a value", (found) => found),
    text: (key) => read(key, "a text", asText),
    flag: (key) => read(key, "true or false", (found) => (typeof found === "boolean" ? found : undefined)),
    choice: (key, choices) =>
      read(key, `one of ${choices.join(", ")}`, (found) => choices.find((choice) => choice === found)),
    path: (key) =>
      read(key, 'a path such as choices[0].text or "/choices/0/text"', (found) => parseJsonPath(asText(found) ?? ".")),
    section: (key, inner) =>
      read(key, "an object", (found) => readSection(found, { ...place, path: placeOf(key) }, inner)),
    need(key, found) {
      if (found === undefined) throw wrong(key, "this is missing");
      return found;
    },
  };
}
