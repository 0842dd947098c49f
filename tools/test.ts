// Runs the tests. Without arguments: all of them, with the coverage gate. With arguments: they go to vitest (a filter, -t, …),
// and there is no gate, because a part of the tests covers a part of the code. The last line is for scripts.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./lib/process.ts";
import { summarize } from "./lib/test-summary.ts";

const filters = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "atlas-test-"));
const reportPath = join(folder, "report.json");
const done = await run(
  "vitest",
  [
    "run",
    ...(filters.length === 0 ? ["--coverage"] : []),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportPath}`,
    ...filters,
  ],
  { show: true },
);
const report = await readFile(reportPath, "utf8").catch(() => undefined);
await rm(folder, { recursive: true, force: true });
const summary = summarize(report, done.exitCode);
for (const note of summary.notes) console.log(note);
console.log(summary.line);
process.exitCode = summary.exitCode;
