import { z } from "zod";

/** Is one promise of docs/guarantees.md. */
export interface Guarantee {
  readonly number: number;
  readonly text: string;
}

/** Reads the numbered promises of a page. */
export function readGuarantees(page: string): readonly Guarantee[] {
  return [...page.matchAll(/^(\d+)\. (.+)$/gm)].map(([, number, text]) => ({
    number: Number(number),
    text: text ?? "",
  }));
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({ name: z.string(), assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

interface Test {
  readonly name: string;
  readonly status: string;
  readonly file: string;
  readonly numbers: readonly number[];
}

/** Is the table of promises. `kept` is true when each has a passing test and none that fails. */
export interface AcceptanceTable {
  readonly lines: readonly string[];
  readonly kept: boolean;
}

/** Makes the table from vitest's JSON report. */
export function acceptanceTable(guarantees: readonly Guarantee[], report: unknown): AcceptanceTable {
  const tests = testsOf(report);
  let kept = 0;
  const lines = guarantees.flatMap(({ number, text }) => {
    const own = tests.filter(({ numbers }) => numbers.includes(number));
    const passed = own.filter(({ status }) => status === "passed");
    const failed = own.filter(({ status }) => status === "failed");
    const ok = passed.length > 0 && failed.length === 0;
    if (ok) kept++;
    const head = `${String(number).padStart(2)}  ${ok ? "kept" : "FAIL"}  ${passed.length} passed, ${failed.length} failed  ${text}`;
    const files = [...new Set(own.map(({ file }) => file))].toSorted();
    return [head, ...failed.map(({ name }) => `      failed: ${name}`), ...files.map((file) => `      ${file}`)];
  });
  const sum = `${kept} of ${guarantees.length} promises are kept; ${tests.length} tests stand for them`;
  return { lines: [...lines, sum], kept: kept === guarantees.length };
}

/** A test may stand for several promises: "(acceptance 4, 26)". */
function numbersOf(name: string): readonly number[] {
  return [...name.matchAll(/\(acceptance ([\d, ]+)\)/g)].flatMap(([, list]) => (list ?? "").split(",").map(Number));
}

function testsOf(report: unknown): readonly Test[] {
  return reportSchema.parse(report).testResults.flatMap(({ name, assertionResults }) => {
    const file = name.slice(name.search(/\/(src|test)\//) + 1);
    return assertionResults
      .map(({ fullName, status }) => ({ name: fullName, status, file, numbers: numbersOf(fullName) }))
      .filter(({ numbers }) => numbers.length > 0);
  });
}
