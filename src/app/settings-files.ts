import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, extname, join, relative, resolve } from "node:path";
import { TextDecoder } from "node:util";
import { appErrors } from "./errors.ts";
import type { Environment } from "./settings-environment.ts";
import type { LineOf } from "./settings-lines.ts";
import { linesOfJson, linesOfToml } from "./settings-lines.ts";
import { requireTrust, trustOf } from "./settings-trust.ts";

/** Is a settings file as it was read: plain values, not yet checked. */
export interface SettingsFile {
  readonly path: string;
  /** How messages call it: relative to the working folder where that is shorter. */
  readonly label: string;
  readonly values: unknown;
  readonly lineOf: LineOf;
}

const projectNames = ["atlas.toml", "atlas.yaml", "atlas.yml", "atlas.json"] as const;
const maxBytes = 1024 * 1024;

/**
 * Finds the settings file of a project in the folder or the nearest one above it. The search ends at the root of a
 * repository and at the home folder: what stands above these is no part of the project.
 *
 * Errors: settings_unreadable when one folder has two of them, or when the file may be somebody else's.
 */
export function findProjectFile(directory: string, environment: Environment): string | undefined {
  const home = homeOf(environment);
  for (let folder = directory; ; folder = dirname(folder)) {
    const found = projectNames.filter((name) => existsSync(join(folder, name)));
    if (found.length > 1) {
      throw appErrors.create(
        "settings_unreadable",
        `${folder} has ${found.join(" and ")}; keep one of them and move the other away.`,
        { details: { directory: folder, files: found } },
      );
    }
    if (found[0] !== undefined) {
      const path = join(folder, found[0]);
      requireTrust(path, trustOf(environment));
      return path;
    }
    if (folder === home || existsSync(join(folder, ".git")) || dirname(folder) === folder) return undefined;
  }
}

/**
 * Gives the path of the project's `.env`, or undefined when there is none.
 *
 * Errors: settings_unreadable when it may be somebody else's.
 */
export function findDotenv(directory: string, environment: Environment): string | undefined {
  const path = join(directory, ".env");
  if (!existsSync(path)) return undefined;
  requireTrust(path, trustOf(environment));
  return path;
}

function homeOf(environment: Environment): string {
  return resolve(environment["HOME"] || environment["USERPROFILE"] || homedir());
}

/** Gives the path of the user's own settings, or undefined when there is none. */
export function findUserFile(environment: Environment): string | undefined {
  const home = environment["HOME"] || environment["USERPROFILE"];
  const base = environment["XDG_CONFIG_HOME"] || environment["APPDATA"] || (home ? join(home, ".config") : undefined);
  const path = base === undefined ? undefined : join(base, "atlas", "config.toml");
  return path !== undefined && existsSync(path) ? path : undefined;
}

/**
 * Reads a settings file by its ending: TOML, YAML or JSON.
 *
 * Errors: settings_unreadable, with line and column where the syntax is broken; no text of the file is shown.
 */
export async function readSettingsFile(path: string, directory: string): Promise<SettingsFile> {
  const text = readText(path);
  const near = relative(directory, path);
  const label = near.startsWith("..") || near === "" ? path : near;
  const ending = extname(path);
  const parse = ending === ".toml" ? parseToml : ending === ".json" ? parseJsonText : parseYaml;
  return { path, label, ...(await parse(text, label)) };
}

/**
 * Reads a small text file.
 *
 * Errors: settings_unreadable when it is missing, a folder, forbidden, larger than 1 MiB or not UTF-8.
 */
export function readText(path: string): string {
  try {
    const size = statSync(path).size;
    if (size > maxBytes) throw new Error(`it has ${size} bytes; settings have at most ${maxBytes}`);
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    throw appErrors.create("settings_unreadable", `The settings file ${path} cannot be read: ${reasonOf(cause)}.`, {
      details: { path },
    });
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown reason";
  const code = "code" in cause ? cause.code : undefined;
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES" || code === "EPERM") return "you may not read it";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "it is not UTF-8 text";
  return code === "ENOENT" ? "it is not there" : cause.message;
}

type Parsed = Pick<SettingsFile, "values" | "lineOf">;

function broken(label: string, place: { line: number; column: number }, reason: string): Error {
  const at = `${label}:${place.line}:${place.column}`;
  return appErrors.create("settings_unreadable", `The settings file is broken at ${at}: ${reason}.`, {
    details: { path: label, ...place },
  });
}

async function parseToml(text: string, label: string): Promise<Parsed> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return { values: parse(text), lineOf: linesOfToml(text) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // Only the first line: the others show the text of the file, which may hold a key.
    const reason = (cause.message.split("\n")[0] ?? "").replace("Invalid TOML document: ", "");
    throw broken(label, { line: cause.line, column: cause.column }, reason);
  }
}

async function parseYaml(text: string, label: string): Promise<Parsed> {
  const { LineCounter, isNode, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = counter.linePos(error.pos[0]);
    throw broken(label, { line, column: col }, `no valid YAML (${error.code.toLowerCase().replaceAll("_", " ")})`);
  }
  const lineOf: LineOf = (path) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
    }
    return undefined;
  };
  return { values: (document.toJS({ maxAliasCount: 100 }) as unknown) ?? {}, lineOf };
}

async function parseJsonText(text: string, label: string): Promise<Parsed> {
  try {
    return { values: JSON.parse(text) as unknown, lineOf: linesOfJson(text) };
  } catch (cause) {
    const found = /line (\d+) column (\d+)/.exec(cause instanceof Error ? cause.message : "");
    const lines = text.split("\n");
    const end = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
    throw broken(label, found === null ? end : { line: Number(found[1]), column: Number(found[2]) }, "no valid JSON");
  }
}
