import type { AgentMetadata, AgentOptions, AnyAgent } from "../agents/index.ts";
import { agent } from "../agents/index.ts";
import { isVersion, isVersionRange } from "../base/index.ts";
import { isPermission } from "../tools/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { described, isTable } from "./described-value.ts";
import { appErrors } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { SettingKey } from "./settings-keys.ts";
import { checkValue } from "./settings-read.ts";

/** Is what an `agent.md` is read with. */
export interface AgentFileContext {
  /** Names the agent where the file does not. */
  readonly id: string;
  /** How messages call the file. */
  readonly label: string;
  /** Relative paths of documents start here. */
  readonly directory: string;
  /** The tools that it may name. */
  readonly tools: readonly AnyTool[];
}

/** Is one thing that is wrong, at a key of the front matter. */
interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}
type Report = (path: readonly string[], message: string) => void;
type Values = Readonly<Record<string, unknown>>;

const key = (name: string, kind: SettingKey["kind"], minimum?: number): SettingKey => ({
  key: name,
  kind,
  doc: "",
  ...(minimum === undefined ? {} : { minimum }),
});

/** Are the keys that hold one value, of the forms that settings have. */
const plain: readonly SettingKey[] = [
  key("name", "text"),
  key("description", "text"),
  key("version", "text"),
  key("model", "model"),
  key("task", "name"),
  key("tools", "texts"),
  key("knowledge", "paths"),
  key("permissions", "texts"),
];
const limits: readonly SettingKey[] = [
  key("maxSteps", "integer", 1),
  key("maxTokens", "integer", 1),
  key("maxCostUsd", "decimal", 0),
  key("timeoutMs", "integer", 1),
];
const known = [...plain.map((each) => each.key), "limits", "capabilities", "requires", "deprecated"];

/**
 * Makes an agent of an `agent.md`: YAML between two lines of `---`, and below them its instructions.
 *
 * Errors: agent_file_invalid, which names everything that is wrong with file and line.
 */
export async function readAgentFile(text: string, context: AgentFileContext): Promise<AnyAgent> {
  const { matter, body, line, isOpen } = split(text);
  if (isOpen)
    throw invalid(context, [`${context.label}:1: what begins with --- has no end; write a second line of ---`]);
  const read = await readMatter(matter);
  const problems: Problem[] = [];
  const report: Report = (path, message) => void problems.push({ path, message });
  const lines = (path: readonly string[]): number => read.lineOf(path) + line;
  if (read.problem !== undefined) throw invalid(context, [`${context.label}:${lines([])}: ${read.problem}`]);
  const { values } = read;
  if (!isTable(values)) report([], `expected keys with values, got ${described(values)}`);
  const options = isTable(values) ? readValues(values, context, report) : { name: context.id };
  const wrong = problems.map(
    ({ path, message }) =>
      `${context.label}:${lines(path)}: ${[...path].join(".")}${path.length === 0 ? "" : " "}${message}`,
  );
  if (body.trim() === "")
    wrong.push(
      `${context.label}:${text.split("\n").length}: there are no instructions; write them below the second line of ---`,
    );
  if (wrong.length > 0) throw invalid(context, wrong);
  try {
    return agent<unknown>({ ...options, instructions: body.trim() });
  } catch (error) {
    throw invalid(context, [`${context.label}: ${error instanceof Error ? error.message : String(error)}`], error);
  }
}

function invalid({ label }: AgentFileContext, problems: readonly string[], cause?: unknown): Error {
  const message =
    problems.length === 1
      ? (problems[0] ?? "")
      : `${label} has ${problems.length} mistakes:\n  ${problems.join("\n  ")}`;
  return appErrors.create("agent_file_invalid", message, { details: { file: label, problems: [...problems] }, cause });
}

/** Takes the front matter off; a file without it is all instructions. Units: `line` is the line before the matter, counted from 1. */
function split(text: string): {
  readonly matter: string;
  readonly body: string;
  readonly line: number;
  readonly isOpen: boolean;
} {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines[0]?.trimEnd() !== "---") return { matter: "", body: text, line: 0, isOpen: false };
  const end = lines.findIndex((each, index) => index > 0 && each.trimEnd() === "---");
  return {
    matter: lines.slice(1, end).join("\n"),
    body: lines.slice(end + 1).join("\n"),
    line: 1,
    isOpen: end === -1,
  };
}

/** Is a front matter that was read. Units: lines count from 1. */
interface Matter {
  readonly values: unknown;
  readonly lineOf: (path: readonly string[]) => number;
  readonly problem?: string;
}

async function readMatter(text: string): Promise<Matter> {
  if (text.trim() === "") return { values: {}, lineOf: () => 1 };
  const { LineCounter, isMap, isScalar, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = counter.linePos(error.pos[0]);
    return {
      values: {},
      lineOf: () => line,
      problem: `no valid YAML (${error.code.toLowerCase().replaceAll("_", " ")})`,
    };
  }
  const lineOf = (path: readonly string[]): number => {
    for (let length = path.length; length > 0; length--) {
      const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key: each }) => isScalar(each) && each.value === path[length - 1])?.key
        : document.getIn(path.slice(0, length), true);
      if (isScalar(pair) && pair.range) return counter.linePos(pair.range[0]).line;
    }
    return 1;
  };
  try {
    return { values: document.toJS({ maxAliasCount: 100 }) as unknown, lineOf };
  } catch {
    // An alias of what is not there, or so many that they would fill the memory.
    return { values: {}, lineOf, problem: "no valid YAML (an alias that cannot be resolved)" };
  }
}

function readValues(values: Values, context: AgentFileContext, report: Report): AgentOptions<unknown> {
  for (const name of Object.keys(values)) if (!known.includes(name)) report([name], noSuchKey(name, known));
  const read = readPlain(values, plain, { context, report, path: [] });
  const { tools: names = [], ...rest } = read as Pick<AgentOptions<unknown>, "name"> & { tools?: readonly string[] };
  const found = names.flatMap((name, index) =>
    findTool(name, context, (message) => report(["tools", `${index}`], message)),
  );
  const { limits: bounds = {} } = values;
  if (!isTable(bounds)) report(["limits"], `expected a section, got ${described(bounds)}`);
  else
    for (const each of Object.keys(bounds))
      if (!limits.some((limit) => limit.key === each))
        report(
          ["limits", each],
          noSuchKey(
            each,
            limits.map((limit) => limit.key),
          ),
        );
  return {
    ...rest,
    name: rest.name ?? context.id,
    tools: found,
    limits: isTable(bounds) ? readPlain(bounds, limits, { context, report, path: ["limits"] }) : {},
    ...readSaid(values, report),
  };
}

function readPlain(
  values: Values,
  keys: readonly SettingKey[],
  { context, report, path }: { context: AgentFileContext; report: Report; path: readonly string[] },
): Values {
  const read: Record<string, unknown> = {};
  for (const each of keys) {
    const value = values[each.key];
    if (value === undefined) continue;
    const checked = checkValue(value, each, context.directory);
    if ("value" in checked) read[each.key] = checked.value;
    else for (const problem of checked.problems) report([...path, each.key, ...problem.path], problem.message);
  }
  return read;
}

function findTool(name: string, { tools }: AgentFileContext, report: (message: string) => void): readonly AnyTool[] {
  const found = tools.find((each) => each.name === name);
  if (found) return [found];
  const names = tools.map((each) => each.name);
  const near = nearest(name, names);
  report(
    `names ${JSON.stringify(name)}, which no module exports; ${near === undefined ? `known: ${names.join(", ") || "none"}` : `did you mean ${near}?`}`,
  );
  return [];
}

function noSuchKey(name: string, keys: readonly string[]): string {
  const near = nearest(name, keys);
  return `is no key; ${near === undefined ? `there are ${keys.join(", ")}` : `did you mean ${near}?`}`;
}

/** Reads what is said of an agent to those who look for one. */
function readSaid(values: Values, report: Report): AgentMetadata {
  const { version, permissions, capabilities, requires, deprecated } = values;
  if (typeof version === "string" && !isVersion(version))
    report(["version"], `must be a semantic version, as in 1.0.0, got ${described(version)}`);
  if (Array.isArray(permissions)) {
    for (const [index, each] of permissions.entries()) {
      if (typeof each === "string" && each !== "*" && !isPermission(each))
        report(["permissions", `${index}`], `must be words with ":" between, as in fs:read, got ${described(each)}`);
    }
  }
  return {
    ...(capabilities === undefined ? {} : { capabilities: readCapabilities(capabilities, report) }),
    ...(requires === undefined ? {} : { requires: readRequires(requires, report) }),
    ...(deprecated === undefined || deprecated === false ? {} : { deprecated: readDeprecated(deprecated, report) }),
  };
}

function readCapabilities(value: unknown, report: Report): Readonly<Record<string, number>> {
  const strengths: Record<string, number> = {};
  const pairs = Array.isArray(value)
    ? value.map((each: unknown, index) => [each, 1, `${index}`] as const)
    : isTable(value)
      ? Object.entries(value).map(([name, strength]) => [name, strength, name] as const)
      : undefined;
  if (pairs === undefined)
    report(["capabilities"], `expected a list of names, or names with strengths, got ${described(value)}`);
  for (const [name, strength, place] of pairs ?? []) {
    if (typeof name !== "string" || name.trim() === "")
      report(["capabilities", place], `expected a name, got ${described(name)}`);
    else if (typeof strength !== "number" || !(strength >= 0 && strength <= 1))
      report(["capabilities", place], `expected a strength from 0 to 1, got ${described(strength)}`);
    else strengths[name] = strength;
  }
  return strengths;
}

function readRequires(value: unknown, report: Report): NonNullable<AgentMetadata["requires"]> {
  if (!isTable(value)) report(["requires"], `expected agents, tools or models, got ${described(value)}`);
  const { agents, tools, models, ...others } = isTable(value) ? value : {};
  for (const name of Object.keys(others)) report(["requires", name], noSuchKey(name, ["agents", "tools", "models"]));
  const ranges = (kind: string, given: unknown): Readonly<Record<string, string>> => {
    const read: Record<string, string> = {};
    if (given !== undefined && !isTable(given))
      report(
        ["requires", kind],
        `expected names with ranges, as in { ${kind === "tools" ? "search" : "writer"}: ^1.0.0 }, got ${described(given)}`,
      );
    for (const [name, range] of Object.entries(isTable(given) ? given : {})) {
      if (typeof range === "string" && isVersionRange(range)) read[name] = range;
      else report(["requires", kind, name], `expected a range of versions, as in ^1.2.0, got ${described(range)}`);
    }
    return read;
  };
  const names: unknown[] = Array.isArray(models) ? models : [];
  if (models !== undefined && !(Array.isArray(models) && names.every((each) => typeof each === "string")))
    report(["requires", "models"], `expected a list of models as "provider/name", got ${described(models)}`);
  return {
    ...(agents === undefined ? {} : { agents: ranges("agents", agents) }),
    ...(tools === undefined ? {} : { tools: ranges("tools", tools) }),
    ...(models === undefined ? {} : { models: names.filter((each) => typeof each === "string") }),
  };
}

function readDeprecated(value: unknown, report: Report): NonNullable<AgentMetadata["deprecated"]> {
  if (value === true) return {};
  if (!isTable(value)) report(["deprecated"], `expected true, or since, use and reason, got ${described(value)}`);
  const said: Record<string, string> = {};
  for (const [name, text] of Object.entries(isTable(value) ? value : {})) {
    if (!["since", "use", "reason"].includes(name))
      report(["deprecated", name], noSuchKey(name, ["since", "use", "reason"]));
    else if (typeof text !== "string") report(["deprecated", name], `expected a text, got ${described(text)}`);
    else said[name] = text;
  }
  return said;
}
