// Runs the tests that stand for the promises of docs/guarantees.md and prints the promises with their results.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptanceTable, readGuarantees } from "./lib/acceptance.ts";
import { root, run } from "./lib/process.ts";

const folder = await mkdtemp(join(tmpdir(), "atlas-acceptance-"));
const reportPath = join(folder, "report.json");
await run("vitest", ["run", "-t", "acceptance", "--reporter=json", `--outputFile.json=${reportPath}`]);
const report: unknown = JSON.parse(await readFile(reportPath, "utf8"));
await rm(folder, { recursive: true, force: true });
const guarantees = readGuarantees(await readFile(join(root, "docs/guarantees.md"), "utf8"));
const table = acceptanceTable(guarantees, report);
for (const line of table.lines) console.log(line);
process.exitCode = table.kept ? 0 : 1;
