import type { OptionSpec } from "./command.ts";

const json: OptionSpec = { flags: "--json", description: "print one JSON value on stdout" };

/** Is the option that names documents. */
export const knowledge: OptionSpec = {
  flags: "-k, --knowledge <path>",
  description: "file or folder of documents; may be repeated",
  form: "list",
};

/** Is the option that names the model. */
export const model: OptionSpec = {
  flags: "-m, --model <provider/name>",
  description: "model to use, or group:NAME (default: the best that can be used here)",
};

/** Holds the options of every command that opens the database. */
export const shared: readonly OptionSpec[] = [
  json,
  { flags: "-q, --quiet", description: "say nothing but the result and problems" },
  { flags: "--storage <path>", description: "database file, or a postgres:// address (default: .atlas/atlas.db)" },
  { flags: "--profile <name>", description: "profile of the settings: dev, test or prod" },
];
