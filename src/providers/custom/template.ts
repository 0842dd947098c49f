import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";

/** Gives what stands for a placeholder in one call; undefined when the call has no such thing. */
export type Values<Name extends string> = (name: Name) => JsonValue | undefined;

/** Is JSON with placeholders, ready to be filled. `uses` names those that stand in it. */
export interface Template<Name extends string> {
  readonly uses: ReadonlySet<Name>;
  /** Gives the JSON; undefined when it is one placeholder without a value. */
  fill(values: Values<Name>): JsonValue | undefined;
}

/** Is what is wrong with a template. `path` is where in it, empty for the template itself. */
export interface TemplateFault {
  readonly path: string;
  readonly message: string;
}

const maxLevels = 64;

type Fill<Name extends string> = (values: Values<Name>) => JsonValue | undefined;
type Piece<Name> = { readonly name: Name } | string;

/**
 * Reads a template. `${name}` as a whole text becomes the value with its type, and its key or entry is left out when there is
 * none; within a longer text it becomes text, or nothing. `$${` stands for `${` itself.
 */
export function readTemplate<Name extends string>(
  source: JsonValue,
  names: readonly Name[],
): Template<Name> | TemplateFault {
  const uses = new Set<Name>();
  let fault: TemplateFault | undefined;
  const read = (value: JsonValue, path: string, levels: number): Fill<Name> => {
    if (levels === 0) {
      fault ??= { path: "", message: `it is nested more than ${maxLevels} levels deep` };
      return () => undefined;
    }
    if (typeof value === "string") {
      const pieces = piecesOf(value, names);
      if ("message" in pieces) {
        fault ??= { path, message: pieces.message };
        return () => undefined;
      }
      for (const piece of pieces) if (typeof piece !== "string") uses.add(piece.name);
      return fillOf(pieces);
    }
    if (Array.isArray(value)) {
      const items = value.map((item: JsonValue, index) => read(item, `${path}[${index}]`, levels - 1));
      return (values) => items.map((item) => item(values)).filter((item) => item !== undefined);
    }
    if (!isJsonObject(value)) return () => value;
    const entries = Object.entries(value).map(
      ([key, item]) => [key, read(item, `${path}.${key}`, levels - 1)] as const,
    );
    return (values) =>
      Object.fromEntries(
        entries.flatMap(([key, item]) => {
          const filled = item(values);
          return filled === undefined ? [] : [[key, filled]];
        }),
      );
  };
  const fill = read(source, "", maxLevels);
  return fault ?? { uses, fill };
}

function piecesOf<Name extends string>(
  text: string,
  names: readonly Name[],
): readonly Piece<Name>[] | { readonly message: string } {
  const pieces: Piece<Name>[] = [];
  let at = 0;
  for (const found of text.matchAll(/\$\$\{|\$\{([^{}]*)\}|\$\{/g)) {
    if (found.index > at) pieces.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[0] === "$${") {
      pieces.push("${");
      continue;
    }
    if (found[1] === undefined) return { message: "a placeholder is not closed; write ${name}, or $${ for ${ itself" };
    const name = names.find((known) => known === found[1]?.trim());
    if (name === undefined) {
      const known = names.map((each) => `\${${each}}`).join(", ");
      return { message: `there is no placeholder ${found[0].slice(0, 40)}; known here: ${known}` };
    }
    pieces.push({ name });
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

function fillOf<Name extends string>(pieces: readonly Piece<Name>[]): Fill<Name> {
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === "object") return (values) => values(only.name);
  return (values) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : textOfValue(values(piece.name)))).join("");
}

/** Writes a value as it stands within a longer text. */
export function textOfValue(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
