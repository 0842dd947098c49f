import { readFileSync } from "node:fs";
import process from "node:process";
import { CommanderError } from "commander";
import type { Parsed } from "./program.ts";
import { createProgram } from "./program.ts";
import { createInterrupt } from "./interrupt.ts";
import type { CliIo } from "./io.ts";
import { processIo } from "./io.ts";
import { failWith } from "./report.ts";
import { createScreen } from "./screen.ts";
import { cliErrors } from "./errors.ts";

/**
 * Runs `atlas` with its arguments and gives the exit code (docs/cli.md lists them). Never throws.
 *
 * Cost: `--help` and `--version` load the parser of the command line and nothing else.
 */
export async function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  const early = createScreen(io, { json: argv.includes("--json") });
  try {
    if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
      io.stdout.write(`${version()}\n`);
      return 0;
    }
    const parsed = await parse(argv, io);
    return parsed === undefined ? 0 : await carryOut(parsed, io);
  } catch (error) {
    return failWith(error, early);
  }
}

/** Reads the command line; undefined when help was asked for and printed. Errors: usage. */
async function parse(argv: readonly string[], io: CliIo): Promise<Parsed | undefined> {
  let parsed: Parsed | undefined;
  const program = createProgram(io, (found) => (parsed = found));
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(error, argv, program);
  }
  return parsed;
}

function usageError(error: CommanderError, argv: readonly string[], program: ReturnType<typeof createProgram>): Error {
  const word = argv.find((each) => !each.startsWith("-"));
  const known = program.commands.find((command) => command.name() === word);
  if (error.code === "commander.help" && known !== undefined) {
    const inner = known.commands.map((command) => command.name()).join(", ");
    return cliErrors.create("usage", `atlas ${known.name()} needs one of: ${inner}. Try: atlas ${known.name()} --help`);
  }
  const text = error.message
    .replace(/^error: /, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  const sentence = text.slice(0, 1).toUpperCase() + text.slice(1);
  const help = known === undefined ? "atlas --help" : `atlas ${known.name()} --help`;
  return cliErrors.create("usage", `${sentence}${/[.?)]$/.test(sentence) ? "" : "."} See: ${help}`);
}

async function carryOut({ action, call }: Parsed, io: CliIo): Promise<number> {
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
    failWith(error, screen);
    return interrupt.exitCode;
  }
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
