import { Command, InvalidArgumentError, Option } from "commander";
import { catalogue } from "./catalogue.ts";
import type { Action, Call, CommandSpec, CommonOptions, OptionSpec } from "./command.ts";
import type { CliIo } from "./io.ts";

/** Is what a command line was read to. */
export interface Parsed {
  readonly action: Action<never>;
  readonly call: Pick<Call, "args" | "options">;
}

/** Takes what was read; called at most once. */
type Chosen = (parsed: Parsed) => void;

/** Makes the parser of the command line. Writes help to stdout and usage errors nowhere: they are thrown. */
export function createProgram(io: Pick<CliIo, "stdout">, chosen: Chosen): Command {
  const program = new Command("atlas");
  const set = (command: Command): Command =>
    command
      .exitOverride()
      // A command and one under it may have options of the same name: they belong to the one that they follow.
      .enablePositionalOptions()
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: () => {},
        getOutHelpWidth: () => Math.min(io.stdout.columns, 100),
        getOutHasColors: () => false,
      })
      .showSuggestionAfterError(true)
      .allowExcessArguments(false);
  set(program)
    .usage("<command> [options]")
    .description("Runs teams of language-model agents durably.")
    .option("-V, --version", "print the version")
    .addHelpText("after", "\nMore about a command: atlas <command> --help");
  for (const spec of catalogue) program.addCommand(commandOf(spec, set, chosen));
  return program;
}

function commandOf(spec: CommandSpec, set: (command: Command) => Command, chosen: Chosen): Command {
  const command = set(new Command(spec.name))
    .summary(spec.summary)
    .description(`${capital(spec.summary)}.`);
  for (const [name, description] of spec.args) command.argument(name, description);
  for (const option of spec.options) command.addOption(optionOf(option));
  for (const inner of spec.commands ?? []) command.addCommand(commandOf(inner, set, chosen));
  if (spec.examples !== undefined) command.addHelpText("after", `\nExamples:\n  ${spec.examples.join("\n  ")}`);
  const { load } = spec;
  if (load === undefined) return command;
  return command.action(async (...received: unknown[]) => {
    // Commander gives the arguments, then the options, then the command.
    const options = received[spec.args.length] as CommonOptions;
    const args = received
      .slice(0, spec.args.length)
      .flatMap((value) => (value === undefined ? [] : (value as string | string[])));
    chosen({ action: await load(), call: { args, options } });
  });
}

function optionOf({ flags, description, form }: OptionSpec): Option {
  const option = new Option(flags, description);
  if (form === "list")
    return option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  if (form === "count") return option.argParser(wholeNumber);
  if (form === "amount") return option.argParser(amount);
  return option;
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

function amount(text: string): number {
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be an amount, as in 0.05.");
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
