/**
 * Names the kinds of debt that `codeDebt` measures. Units of their counts: findings, errors, tests; `complexity`: decisions of functions
 * above 10; `duplication`: lines that are copies; `todos`: TODO, FIXME, XXX and HACK in comments.
 */
export type CodeDebtPart =
  | "lint_errors"
  | "lint_warnings"
  | "type_errors"
  | "failing_tests"
  | "passing_tests"
  | "complexity"
  | "duplication"
  | "todos";

/** Holds the weights of the kinds of debt. Units: debt points for each that is counted. A test that passes is a little of the contrary. */
export const codeDebtWeights: Readonly<Record<CodeDebtPart, number>> = {
  lint_errors: 2,
  lint_warnings: 1,
  type_errors: 4,
  failing_tests: 8,
  passing_tests: -0.25,
  complexity: 0.5,
  duplication: 0.1,
  todos: 0.5,
};

/** Are the options of `codeDebt`. */
export interface CodeDebtOptions {
  /** The workspace; relative to the folder of the process. */
  readonly folder: string;
  readonly weights?: Partial<Readonly<Record<CodeDebtPart, number>>>;
  /** Runs the workspace's own linter, compiler and tests, which is to run its code; true by default. */
  readonly run?: boolean;
  /** Runs the tests, instead of the test script of package.json. Its output is read as JSON of vitest, jest or mocha, TAP or JUnit's XML. */
  readonly testCommand?: readonly [program: string, ...args: string[]];
  /** Is given to the commands. They see nothing else of the environment but a search path. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends a command. Units: milliseconds; two minutes by default. */
  readonly timeoutMs?: number;
}
