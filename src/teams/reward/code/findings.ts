import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject, parseJson } from "../../../base/index.ts";
import type { JsonValue } from "../../../base/index.ts";
import type { Bounds, Finding } from "./failing-tests.ts";
import { installedTool } from "./installed-tool.ts";
import { runCommand } from "./run-command.ts";

/** Counts type errors with the workspace's own TypeScript. */
export async function typeErrors(bounds: Bounds): Promise<Finding<{ readonly errors: number }>> {
  if (!existsSync(join(bounds.folder, "tsconfig.json"))) return { note: "there is no tsconfig.json" };
  const tool = await installedTool(bounds.folder, "typescript", "tsc");
  if (tool === undefined) return { note: "typescript is not installed in the workspace" };
  const command = [...tool, "--noEmit", "--pretty", "false", "--project", "."] as const;
  const { ended, exitCode, output } = await runCommand({ ...bounds, command });
  if (ended !== "exited" || exitCode === null) return { note: `tsc ended: ${ended}` };
  const errors = [...output.matchAll(/\berror TS\d+:/g)].length;
  return exitCode !== 0 && errors === 0
    ? { note: `tsc failed with exit code ${exitCode}` }
    : { counts: { errors }, note: "tsc" };
}

type LintCounts = { readonly errors: number; readonly warnings: number };

/** Are the linters that are known: by which files they are set up, how they are asked, how their answer is read. */
const linters: readonly {
  readonly name: string;
  readonly bin: string;
  readonly settings: RegExp;
  readonly args: readonly string[];
  readonly read: (report: JsonValue) => LintCounts | undefined;
}[] = [
  {
    name: "@biomejs/biome",
    bin: "biome",
    settings: /^biome\.jsonc?$/,
    args: ["lint", "--reporter=json", "--max-diagnostics=none"],
    read: readBiome,
  },
  {
    name: "eslint",
    bin: "eslint",
    settings: /^(?:eslint\.config\.|\.eslintrc)/,
    args: [".", "--format", "json"],
    read: readEslint,
  },
  {
    name: "oxlint",
    bin: "oxlint",
    settings: /^(?:\.oxlintrc\.json|oxlint\.config\.)/,
    args: ["--format", "json"],
    read: readOxlint,
  },
];

/** Counts lint findings with the workspace's own linter: the first that is set up, or else that is installed. */
export async function lintFindings(bounds: Bounds): Promise<Finding<LintCounts>> {
  const names = await readdir(bounds.folder);
  const setUp = linters.filter(({ settings }) => names.some((name) => settings.test(name)));
  for (const { name, bin, args, read } of [...setUp, ...linters]) {
    const tool = await installedTool(bounds.folder, name, bin);
    if (tool === undefined) continue;
    const { ended, output } = await runCommand({ ...bounds, command: [...tool, ...args] });
    if (ended !== "exited") return { note: `${bin} ended: ${ended}` };
    const counts = readReport(output, read);
    return counts ? { counts, note: bin } : { note: `${bin} gave no report that can be read` };
  }
  return { note: "no oxlint, eslint or biome is installed in the workspace" };
}

function readReport(output: string, read: (report: JsonValue) => LintCounts | undefined): LintCounts | undefined {
  const start = output.search(/[[{]/);
  if (start < 0) return undefined;
  try {
    return read(parseJson(output.slice(start), "a lint report"));
  } catch {
    return undefined;
  }
}

function readOxlint(report: JsonValue): LintCounts | undefined {
  const found = isJsonObject(report) ? report["diagnostics"] : undefined;
  if (!Array.isArray(found)) return undefined;
  const errors = found.filter((each: JsonValue) => isJsonObject(each) && each["severity"] === "error").length;
  return { errors, warnings: found.length - errors };
}

function readEslint(report: JsonValue): LintCounts | undefined {
  if (!Array.isArray(report)) return undefined;
  const sum = (name: string): number =>
    report.reduce<number>((total, file: JsonValue) => total + (isJsonObject(file) ? Number(file[name] ?? 0) : 0), 0);
  return { errors: sum("errorCount"), warnings: sum("warningCount") };
}

function readBiome(report: JsonValue): LintCounts | undefined {
  const summary = isJsonObject(report) ? report["summary"] : undefined;
  return isJsonObject(summary)
    ? { errors: Number(summary["errors"] ?? 0), warnings: Number(summary["warnings"] ?? 0) }
    : undefined;
}
