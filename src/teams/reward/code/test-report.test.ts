import { expect, test } from "vitest";
import { readTestReport } from "./test-report.ts";

test.each([
  [
    "vitest",
    'RUN v5\n{"numFailedTests":2,"numPassedTests":7,"numFailedTestSuites":1}',
    { failed: 2, passed: 7, form: "json" },
  ],
  [
    "a file that does not load",
    '{"numFailedTests":0,"numPassedTests":1,"numFailedTestSuites":1}',
    { failed: 1, passed: 1, form: "json" },
  ],
  ["mocha", '{"stats":{"passes":3,"failures":1}}', { failed: 1, passed: 3, form: "json" }],
  ["node", "TAP version 13\nok 1 - a\nnot ok 2 - b\n# pass 4\n# fail 2\n", { failed: 2, passed: 4, form: "tap" }],
  ["another TAP", "ok 1\nnot ok 2\nok 3 # SKIP later\nnot ok 4 # TODO x\n", { failed: 1, passed: 1, form: "tap" }],
  [
    "JUnit",
    '<testsuite><testcase name="a"/><testcase name="b"><failure>x</failure></testcase><testcase name="c"><skipped/></testcase></testsuite>',
    { failed: 1, passed: 1, form: "junit" },
  ],
  ["nothing", "All is well.", undefined],
  ["broken JSON", '{"numFailedTests":', undefined],
] as const)("%s is read", (_, text, expected) => {
  expect(readTestReport(text)).toEqual(expected);
});
