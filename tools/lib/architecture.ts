import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { Visitor } from "oxc-parser";
import type { Source } from "./sources.ts";
import { isTest, lineAt, parse } from "./sources.ts";

/** Maps each folder of src to its floor. ARCHITECTURE.md holds the same table. */
export const floors: Readonly<Record<string, number>> = {
  base: 0,
  telemetry: 1,
  client: 1,
  storage: 2,
  security: 2,
  providers: 3,
  tools: 3,
  runs: 3,
  knowledge: 4,
  memory: 4,
  graph: 4,
  agents: 5,
  teams: 6,
  deploy: 6,
  app: 7,
  server: 8,
  cli: 8,
};

/** Names the packages that are not adapters' alone, and the folders that may import them ("*" is all). */
const sharedPackages: Readonly<Record<string, readonly string[]>> = {
  "@standard-schema/spec": ["*"],
  zod: ["*"],
  commander: ["cli"],
  "@clack/prompts": ["cli"],
  "smol-toml": ["app"],
  yaml: ["app"],
};

/** Lists the packages that only tests may import. */
const testPackages: readonly string[] = [
  "vitest",
  "fast-check",
  "@copilotkit/aimock",
  "openai",
  "@anthropic-ai/sdk",
  "ollama",
];

/** Lists Node's modules that do no I/O: all that base may import. */
const pureBuiltins: readonly string[] = [
  "node:assert",
  "node:async_hooks",
  "node:buffer",
  "node:events",
  "node:timers",
  "node:timers/promises",
  "node:util",
];

/** Is one import of a file. `line` counts from 1. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Is one breach of the rules. */
export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Lists all imports of a source: static, re-exports, types (also inline `import("x").T`), dynamic and worker files. */
export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = [];
  const { module, program } = parse(source);
  const add = (specifier: string, offset: number): void => {
    found.push({ specifier, line: lineAt(source.text, offset) });
  };
  for (const entry of module.staticImports) add(entry.moduleRequest.value, entry.start);
  for (const entry of module.staticExports) {
    const request = entry.entries.find((item) => item.moduleRequest)?.moduleRequest;
    if (request) add(request.value, entry.start);
  }
  new Visitor({
    ImportExpression(node) {
      if (node.source.type === "Literal" && typeof node.source.value === "string") add(node.source.value, node.start);
      else add("(computed)", node.start);
    },
    TSImportType(node) {
      add(node.source.value, node.start);
    },
    NewExpression(node) {
      const [first] = node.arguments;
      const isUrl = node.callee.type === "Identifier" && node.callee.name === "URL";
      if (isUrl && first?.type === "Literal" && typeof first.value === "string" && /\.[jt]s$/.test(first.value)) {
        add(first.value, node.start);
      }
    },
  }).visit(program);
  return found;
}

/** Checks every import and every reading of the environment against the floors. Order: by file, then line. */
export function findBreaches(sources: readonly Source[]): readonly Breach[] {
  return sources.flatMap((source) => {
    const breaches: Breach[] = [];
    for (const { specifier, line } of importsOf(source)) {
      const message = refuse(source.path, specifier);
      if (message !== undefined) breaches.push({ path: source.path, line, message });
    }
    return [...breaches, ...environmentReads(source)];
  });
}

/** Splits a path such as src/storage/adapters/sqlite.ts into its folder and what it is. */
function place(path: string): { folder: string; isAdapter: boolean; isIndex: boolean } {
  const [, second = "", ...rest] = path.split("/");
  const folder = rest.length === 0 ? "" : second;
  return { folder, isAdapter: rest[0] === "adapters", isIndex: rest.length <= 2 && path.endsWith("/index.ts") };
}

function refuse(path: string, specifier: string): string | undefined {
  // What users name in their settings is loaded by app, and by nobody else.
  if (specifier === "(computed)") {
    return place(path).folder === "app" || isTest(path)
      ? undefined
      : "imports a path that is computed; no check can follow it";
  }
  if (!specifier.startsWith("."))
    return isBuiltin(specifier) ? refuseBuiltin(path, specifier) : refusePackage(path, specifier);
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith("src/")) return isTest(path) ? undefined : `imports ${target}, which is outside src`;
  return refuseFile(path, target);
}

function refuseFile(path: string, target: string): string | undefined {
  const from = place(path);
  const to = place(target);
  if (from.folder === to.folder) {
    const mayUse = !to.isAdapter || from.isAdapter || isTest(path);
    return mayUse ? undefined : `imports the adapter ${target}; only app, testing and tests may`;
  }
  if (to.folder === "testing") return isTest(path) ? undefined : `imports ${target}; testing is for tests alone`;
  if (to.isAdapter) {
    const mayUse = from.folder === "app" || from.folder === "testing" || isTest(path);
    return mayUse ? undefined : `imports the adapter ${target}; only app, testing and tests may`;
  }
  if (!to.isIndex) return `imports ${target} past the index.ts of its folder`;
  if (to.folder === "") return "imports the package's root index; import the folder that is meant";
  const toFloor = floors[to.folder];
  if (toFloor === undefined) return `imports ${target}, whose folder has no floor`;
  // A test may set what it tests among the parts above it; the code itself may not know them.
  if (from.folder === "testing" || from.folder === "" || isTest(path)) return undefined;
  const fromFloor = floors[from.folder];
  if (fromFloor === undefined) return `lies in src/${from.folder}, which has no floor`;
  return toFloor < fromFloor
    ? undefined
    : `on floor ${fromFloor} imports ${target} on floor ${toFloor}; only lower floors may be imported`;
}

function refuseBuiltin(path: string, specifier: string): string | undefined {
  const { folder, isAdapter } = place(path);
  if (!specifier.startsWith("node:")) return `imports ${specifier} without node: before it`;
  if (isTest(path)) return undefined;
  if (folder === "client") return `imports ${specifier}; client must run in a browser`;
  if (folder === "base" && !pureBuiltins.includes(specifier)) return `imports ${specifier}; base does no I/O`;
  if (specifier === "node:sqlite" && !isAdapter) return "imports node:sqlite; only an adapter may";
  return undefined;
}

function refusePackage(path: string, specifier: string): string | undefined {
  const { folder, isAdapter } = place(path);
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  if (isTest(path)) return undefined;
  if (testPackages.includes(name)) return `imports ${name}, which only tests may`;
  const folders = sharedPackages[name];
  if (folders) {
    const mayUse = folders.includes("*") || folders.includes(folder);
    return mayUse ? undefined : `imports ${name}; only ${folders.join(", ")} may`;
  }
  return isAdapter ? undefined : `imports the vendor package ${name}; only an adapter may`;
}

/** The one file beside app that may: TERM is no setting, it says what the terminal of the process can do. */
const terminal = "src/cli/io.ts";

function environmentReads(source: Source): readonly Breach[] {
  if (isTest(source.path) || place(source.path).folder === "app" || source.path === terminal) return [];
  const breaches: Breach[] = [];
  const { module, program } = parse(source);
  const add = (offset: number): void => {
    const message = "reads process.env; only app reads the environment";
    breaches.push({ path: source.path, line: lineAt(source.text, offset), message });
  };
  for (const entry of module.staticImports) {
    const isProcess = ["node:process", "process"].includes(entry.moduleRequest.value);
    if (isProcess && entry.entries.some((item) => item.importName.name === "env")) add(entry.start);
  }
  new Visitor({
    MemberExpression(node) {
      const isProcess = node.object.type === "Identifier" && node.object.name === "process";
      const named = node.property.type === "Identifier" ? node.property.name : undefined;
      const quoted = node.property.type === "Literal" ? node.property.value : undefined;
      if (isProcess && (named === "env" || quoted === "env")) add(node.start);
    },
    VariableDeclarator(node) {
      if (node.init?.type !== "Identifier" || node.init.name !== "process" || node.id.type !== "ObjectPattern") return;
      const takesEnv = node.id.properties.some(
        (item) => item.type === "Property" && item.key.type === "Identifier" && item.key.name === "env",
      );
      if (takesEnv) add(node.start);
    },
  }).visit(program);
  return breaches;
}

/** Reads the floors from the table of ARCHITECTURE.md; `testing` has none and is left out. */
export function floorsOfTable(markdown: string): Readonly<Record<string, number>> {
  const rows = markdown.matchAll(/^\|\s*(\d+)\s*\|([^|]*)\|/gm);
  const pairs = [...rows].flatMap(([, floor, folders]) =>
    [...(folders ?? "").matchAll(/`([a-z]+)\/`/g)].map(([, folder]) => [folder ?? "", Number(floor)] as const),
  );
  return Object.fromEntries(pairs);
}
