import { resolve } from "node:path";
import { teamErrors } from "../../errors.ts";
import type { CodeDebtOptions, CodeDebtPart } from "../code-debt-options.ts";
import { codeDebtWeights } from "../code-debt-options.ts";
import type { DebtPart, DebtReport } from "../debt.ts";
import { debtReport } from "../debt.ts";
import { complexities } from "./complexity.ts";
import { copiedLines } from "./duplication.ts";
import type { Bounds, Finding } from "./failing-tests.ts";
import { failingTests } from "./failing-tests.ts";
import { lintFindings, typeErrors } from "./findings.ts";
import { scanTokens } from "./scan-tokens.ts";
import { sourceFiles } from "./source-files.ts";

/** From here on a function is too complex; each further decision is one. */
const allowedComplexity = 10;

type Counted = Omit<DebtPart, "points" | "weight">;

/** Does what `codeDebt` says. */
export async function measureCode(options: CodeDebtOptions, signal: AbortSignal): Promise<DebtReport> {
  const { timeoutMs = 120_000, environment, run = true, weights = {} } = options;
  const folder = resolve(options.folder);
  const bounds: Bounds = { folder, signal, timeoutMs, environment };
  const parts = [...(run ? await byCommands(bounds, options) : notRun()), ...(await byScanning(folder, signal))];
  return debtReport(
    "code",
    parts.map((part) => ({ ...part, weight: weights[part.name] ?? codeDebtWeights[part.name] })),
  );
}

type CodePart = Counted & { readonly name: CodeDebtPart };

async function byCommands(bounds: Bounds, { testCommand }: CodeDebtOptions): Promise<readonly CodePart[]> {
  // One after the other: they share the machine with whoever is measured.
  const lint = await lintFindings(bounds);
  const types = await typeErrors(bounds);
  const tests = await failingTests(bounds, testCommand);
  return [
    partOf("lint_errors", lint, ({ errors }) => errors),
    partOf("lint_warnings", lint, ({ warnings }) => warnings),
    partOf("type_errors", types, ({ errors }) => errors),
    partOf("failing_tests", tests, ({ failed }) => failed),
    partOf("passing_tests", tests, ({ passed }) => passed),
  ];
}

function partOf<Counts>(name: CodeDebtPart, finding: Finding<Counts>, count: (counts: Counts) => number): CodePart {
  const { counts, note } = finding;
  return counts === undefined
    ? { name, count: 0, measured: false, note }
    : { name, count: count(counts), measured: true, note };
}

function notRun(): readonly CodePart[] {
  const names = ["lint_errors", "lint_warnings", "type_errors", "failing_tests", "passing_tests"] as const;
  return names.map((name) => ({ name, count: 0, measured: false, note: "no command of the workspace may be run" }));
}

async function byScanning(folder: string, signal: AbortSignal): Promise<readonly CodePart[]> {
  const { files, left } = await sourceFiles(folder, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw teamErrors.create("reward_invalid", `The workspace ${folder} cannot be read.`, {
      details: { folder },
      cause,
    });
  });
  const scans = files.map(({ text, language }) => ({ language, ...scanTokens(text, language) }));
  const functions = scans.flatMap(({ tokens, language }) => complexities(tokens, language));
  const excess = functions.reduce((sum, { complexity }) => sum + Math.max(0, complexity - allowedComplexity), 0);
  const remarks = scans.flatMap(({ comments }) => comments);
  const todos = remarks.reduce((sum, text) => sum + (text.match(/\b(?:TODO|FIXME|XXX|HACK)\b/g)?.length ?? 0), 0);
  const note = `${files.length} files${left === 0 ? "" : `; ${left} too many or too large`}`;
  return [
    { name: "complexity", count: excess, measured: true, note: `${functions.length} functions in ${note}` },
    { name: "duplication", count: copiedLines(scans.map(({ tokens }) => tokens)), measured: true, note },
    { name: "todos", count: todos, measured: true, note },
  ];
}
