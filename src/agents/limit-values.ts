import { baseErrors } from "../base/index.ts";

/** Checks what a run may spend. Errors: invalid_input for what is no number above 0, or no whole number of tokens. */
export function checkRunBudget(budget: object): void {
  for (const [name, value] of Object.entries<unknown>({ ...budget })) {
    if (value === undefined || isLimit(name, value)) continue;
    throw baseErrors.create("invalid_input", `The budget of the run: ${name} must be ${limitWords(name)}.`, {
      details: { name },
    });
  }
}

const limitNames = ["maxSteps", "maxTokens", "maxCostUsd", "timeoutMs"];
const wholeLimits: ReadonlySet<string> = new Set(["maxSteps", "maxTokens"]);

/** Tells whether there is a limit of this name that can have this value. */
export function isLimit(name: string, value: unknown): boolean {
  if (!limitNames.includes(name)) return false;
  return (
    typeof value === "number" && Number.isFinite(value) && value > 0 && (!wholeLimits.has(name) || value % 1 === 0)
  );
}

/** Says in words what a limit of this name must be. */
export function limitWords(name: string): string {
  if (!limitNames.includes(name)) return `one of ${limitNames.join(", ")}`;
  return wholeLimits.has(name) ? "a whole number above 0" : "a number above 0";
}
