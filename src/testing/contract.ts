import assert from "node:assert/strict";

/**
 * Is one rule that every adapter of a port must keep, as data: any test runner can run it.
 *
 * Errors: `run` rejects when the rule is broken.
 */
export interface ContractCase<Subject> {
  readonly name: string;
  run(subject: Subject): Promise<void>;
}

/** Is a way to make what a case is run on: a new, empty one each time. The case's end disposes of it. */
export type MakeSubject<Subject> = () => Promise<Subject & AsyncDisposable>;

/** Is the part of a test runner that `registerContract` needs; vitest's and node:test's `it` both fit. */
export interface TestRunner {
  (name: string, run: () => Promise<void>): unknown;
  readonly skip: (name: string, run: () => Promise<void>) => unknown;
}

/** Holds the options of `registerContract`: for each case that an adapter skips, the reason. */
export interface ContractOptions {
  readonly skip?: Readonly<Record<string, string>>;
}

/** Is a suite with what it is run on. */
export interface Contract<Subject> {
  readonly cases: readonly ContractCase<Subject>[];
  readonly make: MakeSubject<Subject>;
}

/**
 * Registers each case of a contract with a test runner. A skipped case shows its reason in its name.
 *
 * Errors: throws at once when a skip names no case or gives no reason.
 */
export function registerContract<Subject>(
  it: TestRunner,
  contract: Contract<Subject>,
  options: ContractOptions = {},
): void {
  const { skip = {} } = options;
  for (const [name, reason] of Object.entries(skip)) {
    assert(
      contract.cases.some((item) => item.name === name),
      `The contract has no case "${name}" to skip.`,
    );
    assert(reason.trim() !== "", `The skip of "${name}" needs a reason.`);
  }
  for (const item of contract.cases) {
    const reason = skip[item.name];
    if (reason === undefined) it(item.name, () => runCase(item, contract.make));
    else it.skip(`${item.name} (skipped: ${reason})`, () => Promise.resolve());
  }
}

/** Runs one case on a subject of its own. */
export async function runCase<Subject>(item: ContractCase<Subject>, make: MakeSubject<Subject>): Promise<void> {
  await using subject = await make();
  await item.run(subject);
}

/** Is what became of one case on an adapter. */
export interface CaseOutcome {
  readonly name: string;
  readonly failure?: unknown;
}

/** Runs all cases one after the other and returns what became of each. A case that hangs fails. Units: `limitMs` a case. */
export async function tryContract<Subject>(
  contract: Contract<Subject>,
  limitMs = 5_000,
): Promise<readonly CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  for (const item of contract.cases) {
    try {
      await withLimit(runCase(item, contract.make), limitMs);
      outcomes.push({ name: item.name });
    } catch (failure) {
      outcomes.push({ name: item.name, failure });
    }
  }
  return outcomes;
}

/**
 * Proves that a contract catches an adapter that was broken on purpose: each case named must fail on it.
 *
 * Errors: rejects when one of them passes, or when no case is named.
 */
export async function mustFail<Subject>(contract: Contract<Subject>, names: readonly string[]): Promise<void> {
  assert(names.length > 0, "Name the cases that the broken adapter must fail.");
  const cases = names.map((name) => {
    const found = contract.cases.find((item) => item.name === name);
    assert(found, `The contract has no case "${name}".`);
    return found;
  });
  // All at once: a case that a broken adapter lets hang takes its whole limit.
  const outcomes = await Promise.all(cases.map((item) => tryContract({ cases: [item], make: contract.make }, 2_000)));
  const passed = outcomes
    .flat()
    .filter((outcome) => outcome.failure === undefined)
    .map((outcome) => outcome.name);
  assert.deepEqual(passed, [], "These cases passed on an adapter that was broken on purpose.");
}

async function withLimit(work: Promise<void>, limitMs: number): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
  let fail: (() => void) | undefined;
  const limit = new Promise<never>((_, reject) => {
    fail = () => reject(signal.reason);
    signal.addEventListener("abort", fail, { once: true });
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    if (fail) signal.removeEventListener("abort", fail);
  }
}
