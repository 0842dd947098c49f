import { isJsonObject } from "../base/index.ts";
import { providerPresets, taskKinds } from "../providers/index.ts";
import { noSuch } from "./settings-data.ts";
import { findKey } from "./settings-keys.ts";
import type { SettingEntry, SettingProblem } from "./settings-origin.ts";
import type { ProviderKind } from "./settings-shape.ts";

/** Holds each setting with all that gives it, the one that counts first. */
export type SettingHistory = Map<string, SettingEntry[]>;

/** Adds what follows from names, and finds what only all settings together show: what is missing, and names that nothing has. */
export function completeSettings(history: SettingHistory): readonly SettingProblem[] {
  return [
    ...missingKeys(history),
    ...missingOfKinds(history),
    ...missingOfOauth(history),
    ...unknownMembers(history),
    ...unknownTasks(history),
  ];
}

function missingKeys(history: SettingHistory): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  for (const [key, [entry]] of history) {
    const [head, name = ""] = key.split(".");
    const origin = entry?.origin ?? "default";
    const needed = neededKey(head ?? "", name);
    if (needed === undefined || history.has(needed)) continue;
    const kind = head === "providers" ? kindOfName(name) : undefined;
    if (kind !== undefined) {
      history.set(needed, [{ key: needed, value: kind, origin: "default" }]);
    } else if (!problems.some((problem) => problem.key === needed)) {
      problems.push({ key: needed, origin, message: `is missing; ${whatToSet(needed)}` });
    }
  }
  return problems;
}

function neededKey(head: string, name: string): string | undefined {
  if (head === "agents") return `agents.${name}.instructions`;
  if (head === "groups") return `groups.${name}.members`;
  return head === "providers" ? `providers.${name}.kind` : undefined;
}

function whatToSet(key: string): string {
  const { kind, choices = [] } = findKey(key) ?? {};
  if (kind === "members") return 'list its models, as in ["openai/gpt-5.4-mini", "ollama/qwen3:4b"]';
  return `set it to ${choices.join(", ") || "a text"}`;
}

function kindOfName(name: string): ProviderKind | undefined {
  if (name === "ollama" || name === "openai" || name === "openai-responses") return name;
  const wire = Object.hasOwn(providerPresets, name) ? providerPresets[name]?.wire : undefined;
  return wire === "openai-chat" ? "openai-compatible" : wire;
}

const neededByKind: Readonly<Record<string, readonly string[]>> = {
  "openai-compatible": ["baseUrl"],
  custom: ["baseUrl", "endpoint"],
  local: ["path"],
};

function missingOfKinds(history: SettingHistory): readonly SettingProblem[] {
  return found(history, /^providers\.([^.]+)\.kind$/).flatMap(([name, { value, origin }]) => {
    const kind = typeof value === "string" ? value : "";
    // The address of a provider that Atlas knows by name is known too.
    const known = kind === "openai-compatible" && Object.hasOwn(providerPresets, name);
    const keys = (known ? [] : (neededByKind[kind] ?? [])).map((key) => `providers.${name}.${key}`);
    const missing = keys.filter((key) => !history.has(key));
    return missing.map((key) => ({ key, origin, message: `is missing; kind = "${kind}" needs it` }));
  });
}

function missingOfOauth(history: SettingHistory): readonly SettingProblem[] {
  const problems = new Map<string, SettingProblem>();
  for (const [name, { origin }] of found(history, /^providers\.([^.]+)\.oauth\./)) {
    for (const key of [`providers.${name}.oauth.tokenUrl`, `providers.${name}.oauth.clientId`]) {
      if (!history.has(key)) problems.set(key, { key, origin, message: "is missing; tokens are got with it" });
    }
  }
  return [...problems.values()];
}

function unknownMembers(history: SettingHistory): readonly SettingProblem[] {
  return found(history, /^groups\.([^.]+)\.weights$/).flatMap(([name, weights]) => {
    const members = history.get(`groups.${name}.members`)?.[0]?.value;
    if (!Array.isArray(members)) return [];
    const names = members.map(String);
    return keysAt(weights, [])
      .filter((each) => !names.includes(each))
      .map((each) => problemAt(weights, [each], noSuch("member of the group", each, names)));
  });
}

/** Strengths are of the kinds of task that the table knows, or that agents of the settings name. */
function unknownTasks(history: SettingHistory): readonly SettingProblem[] {
  const own = found(history, /^agents\.([^.]+)\.task$/).flatMap(([, { value }]) =>
    typeof value === "string" ? [value] : [],
  );
  const tasks = [...new Set([...taskKinds, ...own])];
  return found(history, /^providers\.([^.]+)\.capabilities$/).flatMap(([, capabilities]) =>
    keysAt(capabilities, []).flatMap((model) =>
      keysAt(capabilities, [model, "strengths"])
        .filter((task) => !tasks.includes(task))
        .map((task) => problemAt(capabilities, [model, "strengths", task], noSuch("kind of task", task, tasks))),
    ),
  );
}

/** Finds the settings whose key has a form, each with the name in it. */
function found(history: SettingHistory, form: RegExp): readonly (readonly [name: string, entry: SettingEntry])[] {
  return [...history].flatMap(([key, [entry]]) => {
    const name = form.exec(key)?.[1];
    return name === undefined || entry === undefined ? [] : [[name, entry] as const];
  });
}

function keysAt({ value }: SettingEntry, path: readonly string[]): readonly string[] {
  let inner: unknown = value;
  for (const key of path) inner = isJsonObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  return isJsonObject(inner) ? Object.keys(inner) : [];
}

function problemAt({ key, origin, originAt }: SettingEntry, path: readonly string[], message: string): SettingProblem {
  return { key: [key, ...path].join("."), origin: originAt?.(path) ?? origin, message };
}
