import type { OptionSpec } from "./command.ts";

const json: OptionSpec = { flags: "--json", description: "print one JSON value on stdout" };

/** Holds the options of every command that opens the database. */
export const common: readonly OptionSpec[] = [
  json,
  { flags: "-q, --quiet", description: "say nothing but the result and problems" },
  { flags: "--storage <path>", description: "database file, or a postgres:// address (default: .atlas/atlas.db)" },
  { flags: "--profile <name>", description: "profile of the settings: dev, test or prod" },
];
