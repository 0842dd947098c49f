import { readFileSync } from "node:fs";
import process from "node:process";
import type { CliIo } from "./io.ts";
import { processIo } from "./io.ts";

/**
 * Runs `atlas` with its arguments and gives the exit code (docs/cli.md lists them). Never throws.
 *
 * Cost: `--help` loads the parser of the command line and nothing else, `--version` not even that.
 */
export async function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    io.stdout.write(`${version()}\n`);
    return 0;
  }
  try {
    const { parse } = await import("./parse.ts");
    const parsed = await parse(argv, io);
    if (parsed === undefined) return 0;
    const { carryOut } = await import("./carry-out.ts");
    return await carryOut(parsed, io);
  } catch (error) {
    const { failEarly } = await import("./carry-out.ts");
    return failEarly(error, argv, io);
  }
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
