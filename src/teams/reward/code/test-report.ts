import { isJsonObject, parseJson } from "../../../base/index.ts";
import type { JsonValue } from "../../../base/index.ts";

/** Counts the tests of one run. */
export interface TestCounts {
  readonly failed: number;
  readonly passed: number;
  readonly form: "json" | "tap" | "junit";
}

/** Reads the report of a test run: JSON of vitest, jest or mocha, TAP, or JUnit's XML; undefined for anything else. */
export function readTestReport(text: string): TestCounts | undefined {
  return readJson(text) ?? readJunit(text) ?? readTap(text);
}

function readJson(text: string): TestCounts | undefined {
  const start = text.search(/^\s*\{/m);
  const end = text.lastIndexOf("}");
  if (start < 0 || end < start) return undefined;
  let report: JsonValue;
  try {
    report = parseJson(text.slice(start, end + 1), "a test report");
  } catch {
    return undefined;
  }
  if (!isJsonObject(report)) return undefined;
  const count = (value: JsonValue | undefined): number | undefined => (typeof value === "number" ? value : undefined);
  const failed = count(report["numFailedTests"]);
  if (failed !== undefined) {
    // A file that cannot be loaded has no test that fails.
    const suites = failed === 0 ? (count(report["numFailedTestSuites"]) ?? 0) : 0;
    return { failed: failed + suites, passed: count(report["numPassedTests"]) ?? 0, form: "json" };
  }
  const stats = report["stats"];
  const failures = isJsonObject(stats) ? count(stats["failures"]) : undefined;
  if (failures === undefined || !isJsonObject(stats)) return undefined;
  return { failed: failures, passed: count(stats["passes"]) ?? 0, form: "json" };
}

function readJunit(text: string): TestCounts | undefined {
  const cases = [...text.matchAll(/<testcase\b[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)];
  if (cases.length === 0) return undefined;
  const bodies = cases.map(([, body = ""]) => body);
  const failed = bodies.filter((body) => /<(?:failure|error)\b/.test(body)).length;
  const skipped = bodies.filter((body) => /<skipped\b/.test(body)).length;
  return { failed, passed: cases.length - failed - skipped, form: "junit" };
}

function readTap(text: string): TestCounts | undefined {
  const sum = (name: string): number | undefined => {
    const found = new RegExp(`^# ${name} (\\d+)$`, "m").exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  // Node's runner counts at the end; other producers are counted line by line.
  const [passed, failed] = [sum("pass"), sum("fail")];
  if (passed !== undefined && failed !== undefined) return { failed, passed, form: "tap" };
  const results = [...text.matchAll(/^(not )?ok\b(.*)$/gm)].filter(
    ([, , rest]) => !/# (?:skip|todo)\b/i.test(rest ?? ""),
  );
  if (results.length === 0) return undefined;
  const bad = results.filter(([, not]) => not !== undefined).length;
  return { failed: bad, passed: results.length - bad, form: "tap" };
}
