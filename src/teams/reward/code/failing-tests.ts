import { isJsonObject } from "../../../base/index.ts";
import type { JsonObject } from "../../../base/index.ts";
import { installedTool, readManifest } from "./installed-tool.ts";
import type { CommandOptions } from "./run-command.ts";
import { runCommand } from "./run-command.ts";
import type { TestCounts } from "./test-report.ts";
import { readTestReport } from "./test-report.ts";

/** Is a count of what a tool found, or why there is none. */
export type Finding<Counts> =
  | { readonly counts: Counts; readonly note: string }
  | { readonly counts?: undefined; readonly note: string };

/** Says how commands are run in a workspace. */
export type Bounds = Pick<CommandOptions, "folder" | "signal" | "timeoutMs" | "environment">;

/** Runs the tests of a workspace: by the command that is given, or that of its package.json where that needs no shell. */
export async function failingTests(
  bounds: Bounds,
  given: readonly [program: string, ...args: string[]] | undefined,
): Promise<Finding<Omit<TestCounts, "form">>> {
  const command = given ?? (await commandOf(bounds.folder));
  if (typeof command === "string") return { note: command };
  const { ended, exitCode, output } = await runCommand({ ...bounds, command });
  if (ended !== "exited") return { note: `the test command ended: ${ended}` };
  const report = readTestReport(output);
  if (report !== undefined) {
    // A file that cannot be loaded has no test that fails, and yet the command does.
    const failed = Math.max(report.failed, exitCode === 0 ? 0 : 1);
    return { counts: { ...report, failed }, note: `the test command's ${report.form}` };
  }
  if (exitCode === null) return { note: "the test command was killed by a signal" };
  return { counts: { failed: exitCode === 0 ? 0 : 1, passed: 0 }, note: "the exit code of the test command" };
}

/** Gives the test command of a package.json, or why there is none. */
async function commandOf(folder: string): Promise<readonly [program: string, ...args: string[]] | string> {
  const manifest = await readManifest(folder);
  const scripts = manifest?.["scripts"];
  const line = isJsonObject(scripts) ? scriptOf(scripts, "test", 3) : undefined;
  if (line === undefined) return "there is no package.json with a test script, and no test command was given";
  if (!/^[\w@./:=,+*\s-]+$/.test(line) || /^\w+=/.test(line)) {
    return "the test script needs a shell; give a test command";
  }
  const [first = "", ...args] = line
    .trim()
    .split(/\s+/)
    .slice(line.startsWith("npx ") ? 1 : 0);
  if (first === "node") return [process.execPath, ...withReporter(first, args)];
  const found = await installedTool(folder, first);
  if (found === undefined) return `the program of the test script, ${first}, is not installed in the workspace`;
  return [...found, ...withReporter(first, args)];
}

/** Follows `npm test` and `npm run NAME` from one script to the next. */
function scriptOf(scripts: JsonObject, name: string, depth: number): string | undefined {
  const line = scripts[name];
  if (typeof line !== "string") return undefined;
  const next = /^npm run(?: -s| --silent)? ([\w:.-]+)$/.exec(line.trim())?.[1];
  return next === undefined || depth === 0 ? line : scriptOf(scripts, next, depth - 1);
}

/** Asks the runners that are known for a report that can be counted. */
function withReporter(program: string, args: readonly string[]): readonly string[] {
  if (program === "vitest")
    return [args[0] === "run" ? "run" : "--run", ...args.slice(args[0] === "run" ? 1 : 0), "--reporter=tap-flat"];
  if (program === "jest") return [...args, "--json"];
  if (program === "mocha") return [...args, "--reporter=json"];
  return program === "node" && args.includes("--test") ? ["--test-reporter=tap", ...args] : args;
}
