import type { Command } from "commander";
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

async function usageError(error: CommanderError, argv: readonly string[], program: Command): Promise<Error> {
  const { cliErrors } = await import("./errors.ts");
  const { name, inner } = commandIn(argv, program);
  const needed = name === "atlas" || inner.length === 0 ? "" : `${name} needs one of: ${inner.join(", ")}.`;
  if (error.code === "commander.help") return cliErrors.create("usage", `${needed} See: ${name} --help`);
  const text = error.message
    .replace(/^error: /, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  const sentence = text.slice(0, 1).toUpperCase() + text.slice(1);
  const stop = /[.?)]$/.test(sentence) ? "" : ".";
  // Who gave an option to a command that is but a group of others meant one of these.
  const which = error.code === "commander.unknownOption" && needed !== "" ? ` ${needed}` : "";
  return cliErrors.create("usage", `${sentence}${stop}${which} See: ${name} --help`);
}

/** Finds the command that the words name, and the commands under it. */
function commandIn(argv: readonly string[], program: Command): { name: string; inner: readonly string[] } {
  let command = program;
  let name = program.name();
  for (const word of argv.filter((each) => !each.startsWith("-"))) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
    name += ` ${word}`;
  }
  return { name, inner: command.commands.map((each) => each.name()) };
}
