import { toAtlasError } from "../base/index.ts";
import { createInterrupt } from "./interrupt.ts";
import type { CliIo } from "./io.ts";
import type { Parsed } from "./program.ts";
import { failWith } from "./report.ts";
import { createScreen } from "./screen.ts";

/** Tells of an error from before a command began; gives the exit code. */
export function failEarly(error: unknown, argv: readonly string[], io: CliIo): number {
  return failWith(error, createScreen(io, { json: argv.includes("--json") }));
}

/** Carries out what the command line asks for; gives the exit code. Never throws. */
export async function carryOut({ action, call }: Parsed, io: CliIo): Promise<number> {
  const screen = createScreen(io, call.options);
  using interrupt = createInterrupt(io);
  try {
    const code = await (action as (call: object) => Promise<number>)({ ...call, io, screen, interrupt });
    screen.progress("");
    return interrupt.exitCode ?? code;
  } catch (error) {
    screen.progress("");
    if (interrupt.cause === "SIGPIPE") return 0;
    if (interrupt.exitCode === undefined) return failWith(error, screen);
    // Who pressed Ctrl-C knows why; only a script is told.
    if (screen.json || toAtlasError(error).code !== "cancelled") failWith(error, screen);
    return interrupt.exitCode;
  }
}
