import { CommanderError } from "commander";
import type { CliIo } from "./io.ts";
import type { Parsed } from "./program.ts";
import { createProgram } from "./program.ts";

/** Reads the command line; undefined when help was asked for and printed. Errors: usage. */
export async function parse(argv: readonly string[], io: CliIo): Promise<Parsed | undefined> {
  let parsed: Parsed | undefined;
  const program = createProgram(io, (found) => (parsed = found));
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw await usageError(error, argv, program);
  }
  return parsed;
}

async function usageError(
  error: CommanderError,
  argv: readonly string[],
  program: ReturnType<typeof createProgram>,
): Promise<Error> {
  const { cliErrors } = await import("./errors.ts");
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
