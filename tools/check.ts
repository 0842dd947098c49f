// Checks everything that needs no test run: format, lint, types, dead code, docstrings, the generated documentation.
import { runSteps } from "./lib/process.ts";

const failed = await runSteps([
  { name: "format", command: "oxfmt", args: ["--check", "."] },
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings", "--report-unused-disable-directives"] },
  { name: "types", command: "tsc", args: ["--noEmit"] },
  { name: "dead code", command: "knip", args: ["--no-progress", "--treat-config-hints-as-errors"] },
  { name: "docstrings", command: "node", args: ["tools/docstrings.ts"] },
  { name: "docs/errors.md", command: "node", args: ["tools/errors-doc.ts", "--check"] },
]);
if (failed.length > 0) {
  console.log(`check: failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
