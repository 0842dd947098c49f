import { z } from "zod";

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
});

/** Is what `npm test` says at its end. */
export interface TestSummary {
  readonly line: string;
  readonly notes: readonly string[];
  readonly exitCode: number;
}

/**
 * Sums up a vitest JSON report in the line that scripts read. Whatever makes the run red counts as a failure: a test, a file
 * that does not load, and, when neither did it, the coverage gate.
 */
export function summarize(report: string | undefined, exitCode: number): TestSummary {
  if (report === undefined) {
    return { line: "0 passed, 1 failed", notes: ["vitest ended without a report."], exitCode: exitCode || 1 };
  }
  const data = reportSchema.parse(JSON.parse(report));
  const brokenFiles = data.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  const notes = brokenFiles.map((file) => `This file failed outside its tests: ${file.name}`);
  let failed = data.numFailedTests + brokenFiles.length;
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    notes.push("The tests passed, but the run did not: the coverage gate or an unhandled error; see above.");
  }
  if (data.numPassedTests + failed === 0) {
    failed = 1;
    notes.push("No test ran.");
  }
  const skipped = data.numPendingTests + data.numTodoTests;
  const line = `${data.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return { line, notes, exitCode: failed > 0 ? exitCode || 1 : 0 };
}
