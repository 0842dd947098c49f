// Runs one bench: `npm run -s bench -- NAME [--json]`. Readable lines go to stderr; with --json stdout gets one JSON line.
import { readdir } from "node:fs/promises";
import type { BenchResult } from "./harness.ts";
import { describeMachine, significant } from "./harness.ts";

const folder = new URL("../", import.meta.url);
const args = process.argv.slice(2);
const name = args.find((arg) => !arg.startsWith("-"));
const known = (await readdir(folder)).filter((file) => file.endsWith(".ts")).map((file) => file.slice(0, -3));

if (name === undefined || !known.includes(name)) {
  console.error(`Name a bench: ${known.join(", ")}. For example: npm run -s bench -- ${known[0] ?? "NAME"} --json`);
  process.exitCode = 2;
} else {
  const { run } = (await import(new URL(`${name}.ts`, folder).href)) as { run: () => Promise<BenchResult> };
  const result = await run();
  const line = {
    name,
    machine: describeMachine(),
    metrics: rounded(result.metrics),
    ratios: rounded(result.ratios),
    notes: result.notes,
  };
  for (const [key, value] of Object.entries({ ...line.ratios, ...line.metrics }))
    console.error(`${key.padEnd(32)} ${value}`);
  for (const note of result.notes) console.error(`- ${note}`);
  if (args.includes("--json")) console.log(JSON.stringify(line));
}

function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, significant(value)]));
}
