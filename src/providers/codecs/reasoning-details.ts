import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";

/** Collects the pieces of thoughts that OpenRouter hands through from whoever thought them, signed or encrypted. */
export interface ReasoningDetails {
  add(pieces: readonly JsonObject[]): void;
  /** Gives what has come since the last time as a signature; undefined when nothing has. */
  take(): string | undefined;
}

/** Makes the collector. Pieces of one text or summary that follow each other are joined; what is encrypted stays as it is. */
export function reasoningDetails(): ReasoningDetails {
  let details: { [key: string]: JsonValue }[] = [];
  return {
    add(pieces) {
      for (const piece of pieces) {
        const last = details.at(-1);
        const key = piece["type"] === "reasoning.text" ? "text" : "summary";
        const joins = piece["type"] !== "reasoning.encrypted" && sameThought(last, piece);
        if (last === undefined || !joins) {
          details.push({ ...piece });
          continue;
        }
        for (const [name, value] of Object.entries(piece)) if (value !== null && name !== key) last[name] = value;
        last[key] = textAt(last, key) + textAt(piece, key);
      }
    },
    take() {
      if (details.length === 0) return undefined;
      const signature = JSON.stringify(details);
      details = [];
      return signature;
    },
  };
}

/** Reads the thoughts in a signature; none when it is of another kind. */
export function detailsIn(signature: string): readonly JsonValue[] {
  try {
    const value = parseJson(signature, "a signature");
    return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  } catch {
    return [];
  }
}

function sameThought(last: JsonObject | undefined, piece: JsonObject): boolean {
  return isJsonObject(last) && last["type"] === piece["type"] && last["index"] === piece["index"];
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === "string" ? value : "";
}
