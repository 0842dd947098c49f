import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Is the repository's root folder. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** Is what a finished command left behind. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Holds the options of `run`. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows the output while it runs instead of collecting it. */
  readonly show?: boolean;
}

/** Runs a command with the repository's own tools first on the PATH, and resolves when it ends, whatever its exit code. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { cwd = root, env = {}, show = false } = options;
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env, PATH: path },
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ exitCode: code ?? 1, stdout, stderr }));
  });
}

/** Is one named part of a verb. */
export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Runs steps one after the other, all of them even if one fails, and writes one line for each and the output of the failed.
 *
 * Shape: the names of the failed steps, empty when all is well.
 */
export async function runSteps(steps: readonly Step[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const step of steps) {
    const start = performance.now();
    const done = await run(step.command, step.args);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${done.exitCode === 0 ? "ok  " : "FAIL"} ${step.name} (${seconds} s)`);
    if (done.exitCode === 0) continue;
    failed.push(step.name);
    console.log(`${done.stdout}${done.stderr}`.trimEnd());
  }
  return failed;
}
