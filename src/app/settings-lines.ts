/** Tells on which line of its file a setting stands; undefined when it cannot be told. Units: lines count from 1. */
export type LineOf = (path: readonly string[]) => number | undefined;

/** Finds the lines of the keys of a TOML text. The text must be valid. */
export function linesOfToml(text: string): LineOf {
  const lines = new Map<string, number>();
  let table = "";
  let fence: string | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    if (fence !== undefined) {
      if (raw.includes(fence)) fence = undefined;
      continue;
    }
    const header = /^\s*\[\[?([^\]]+)\]/.exec(raw);
    const pair = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=(.*)$/.exec(raw);
    if (header !== null) table = plainKey(header[1] ?? "");
    const key = header !== null ? table : pair === null ? undefined : join(table, plainKey(pair[1] ?? ""));
    if (key !== undefined) note(lines, key, index + 1);
    const opened = /("""|''')/.exec(pair?.[2] ?? "")?.[1];
    if (opened !== undefined && (pair?.[2] ?? "").split(opened).length === 2) fence = opened;
  }
  return lookUp(lines);
}

function plainKey(key: string): string {
  return key.replaceAll(/["'\s]/g, "");
}

function join(parent: string, key: string): string {
  return parent === "" ? key : `${parent}.${key}`;
}

/** Notes a key and, where they have no line of their own, those above it. */
function note(lines: Map<string, number>, key: string, line: number): void {
  const parts = key.split(".");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join(".");
    if (!lines.has(part)) lines.set(part, line);
  }
}

/** Finds the lines of the keys of a JSON text. The text must be valid. */
export function linesOfJson(text: string): LineOf {
  const lines = new Map<string, number>();
  const parents: string[] = [];
  let line = 1;
  let last = "";
  let name = "";
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|[{}[\]:,\n]/g)) {
    if (token === "\n") line++;
    else if (token.startsWith('"')) last = token.slice(1, -1);
    else if (token === ":") {
      name = last;
      note(lines, join(parents.filter((parent) => parent !== "").join("."), name), line);
    } else if (token === "{" || token === "[") {
      parents.push(name);
      name = "";
    } else if (token === "}" || token === "]") parents.pop();
  }
  return lookUp(lines);
}

/** Answers with the line of the path, or of the nearest section above it. */
function lookUp(lines: ReadonlyMap<string, number>): LineOf {
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(path.slice(0, length).join("."));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}
