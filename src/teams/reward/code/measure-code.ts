import { resolve } from "node:path";
import { setImmediate as immediately } from "node:timers/promises";
import { teamErrors } from "../../errors.ts";
import type { CodeDebtOptions, CodeDebtPart } from "../code-debt-options.ts";
import { codeDebtWeights } from "../code-debt-options.ts";
import type { DebtPart, DebtReport } from "../debt.ts";
import { debtReport } from "../debt.ts";
import { complexities } from "./complexity.ts";
import { copiedLines, sketchOf } from "./duplication.ts";
import type { Sketch } from "./duplication.ts";
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
  const sketches: Sketch[] = [];
  let [functions, excess, todos] = [0, 0, 0];
  for (const { text, language } of files) {
    // Whatever else this process does goes on between two files.
    await immediately();
    signal.throwIfAborted();
    const { tokens, comments } = scanTokens(text, language);
    for (const { complexity } of complexities(tokens, language)) {
      functions++;
      excess += Math.max(0, complexity - allowedComplexity);
    }
    for (const comment of comments) todos += comment.match(/\b(?:TODO|FIXME|XXX|HACK)\b/g)?.length ?? 0;
    sketches.push(sketchOf(tokens));
  }
  const note = `${files.length} files${left === 0 ? "" : `; ${left} too many or too large`}`;
  return [
    { name: "complexity", count: excess, measured: true, note: `${functions} functions in ${note}` },
    { name: "duplication", count: copiedLines(sketches), measured: true, note },
    { name: "todos", count: todos, measured: true, note },
  ];
}
