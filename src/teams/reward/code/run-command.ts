import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** Says what is run, and within which bounds. */
export interface CommandOptions {
  readonly folder: string;
  /** Order: the program, then what it is given. No shell reads them. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly signal: AbortSignal;
  /** Units: milliseconds. */
  readonly timeoutMs: number;
  /** Is all that the program sees of the environment, beside a search path and a home that is none. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** Is how a command ended. `timed_out` and `too_much` were killed; `not_started` could not be run. */
export interface CommandEnd {
  readonly ended: "exited" | "timed_out" | "too_much" | "not_started";
  readonly exitCode: number | null;
  readonly output: string;
}

const maxOutputBytes = 32 * 1024 * 1024;

/**
 * Runs a program without a shell, in a process group of its own that is killed whole at the end. It gets none of the environment
 * of this process, so no key or password.
 *
 * Errors: the signal's reason.
 */
export async function runCommand(options: CommandOptions): Promise<CommandEnd> {
  const { folder, signal, timeoutMs } = options;
  const [program, ...args] = options.command;
  signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: folder,
    env: environmentOf(folder, options.environment),
    stdio: ["ignore", "pipe", "ignore"],
    detached: process.platform !== "win32",
  });
  const output: Buffer[] = [];
  let size = 0;
  let ended: CommandEnd["ended"] = "exited";
  const end = (why: CommandEnd["ended"]): void => {
    ended = why;
    killAll(child.pid);
  };
  const abort = (): void => killAll(child.pid);
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => end("timed_out"), timeoutMs);
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutputBytes) end("too_much");
    else output.push(chunk);
  });
  const exitCode = await new Promise<number | null>((resolve) => {
    child.once("error", () => {
      ended = "not_started";
      resolve(null);
    });
    // What it started and left behind may hold its pipes open.
    child.once("exit", () => killAll(child.pid));
    child.once("close", (code) => resolve(code));
  });
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  signal.throwIfAborted();
  return { ended, exitCode, output: Buffer.concat(output).toString() };
}

function environmentOf(folder: string, given: Readonly<Record<string, string>> = {}): Record<string, string> {
  const path = [join(folder, "node_modules", ".bin"), dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"];
  return {
    PATH: path.join(delimiter),
    HOME: tmpdir(),
    TMPDIR: tmpdir(),
    LANG: "C.UTF-8",
    CI: "true",
    NO_COLOR: "1",
    ...given,
  };
}

function killAll(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}
