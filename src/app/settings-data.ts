import type { ModelCapabilities, ModelPrice } from "../providers/index.ts";
import { described, isTable } from "./described-value.ts";
import { nearest } from "./nearest.ts";

/** Is one thing that is wrong with a value: at which keys inside it (none is the value itself), and what. */
export interface ValueProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Says what a value should have been; undefined where it is right. */
type Check = (value: unknown) => string | undefined;

const expect =
  (expected: string, fits: (value: unknown) => boolean): Check =>
  (value) =>
    fits(value) ? undefined : expected;
const number =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
const oneOf = (...choices: readonly string[]): Check =>
  expect(`one of ${choices.join(", ")}`, (value) => choices.some((choice) => choice === value));

const price = expect("US dollars for a million tokens, a number of at least 0", number(0, Infinity));
const tokens = expect(
  "a whole number of at least 1",
  // JSON can say that a number is not known.
  (value) => value === null || (Number.isSafeInteger(value) && number(1, Infinity)(value)),
);
const flag = expect("true or false", (value) => typeof value === "boolean");
const mimeTypes = expect(
  'a list of MIME types, as in ["image/png"]',
  (value) =>
    Array.isArray(value) && value.every((each) => typeof each === "string" && /^[\w.+-]+\/[\w.+*-]+$/.test(each)),
);

const prices: Readonly<Record<keyof ModelPrice, Check>> = {
  inputPerMillion: price,
  outputPerMillion: price,
  cachedInputPerMillion: price,
  cacheWritePerMillion: price,
};

const capabilities: Readonly<Record<keyof ModelCapabilities, Check>> = {
  contextTokens: tokens,
  maxOutputTokens: tokens,
  tools: oneOf("none", "single", "parallel"),
  structuredOutput: oneOf("none", "native"),
  files: mimeTypes,
  reasoning: flag,
  prefill: flag,
  promptCaching: oneOf("none", "automatic", "marked"),
  pauseEffect: oneOf("delivery", "generation"),
  cost: oneOf("free", "metered"),
};

const strength = expect("a number from 0 to 1", number(0, 1));
const weight = expect("a number of at least 0", number(0, Infinity));

/** Finds what is wrong with the prices of models by name. */
export function priceProblems(value: Readonly<Record<string, unknown>>): readonly ValueProblem[] {
  return Object.entries(value).flatMap(([model, given]) => {
    const missing = isTable(given)
      ? ["inputPerMillion", "outputPerMillion"].filter((key) => given[key] === undefined)
      : [];
    return [
      ...fieldProblems(given, [model], prices),
      ...missing.map((key) => ({ path: [model, key], message: "is missing; a price has both, and 0 is one" })),
    ];
  });
}

/** Finds what is wrong with the capabilities of models by name. Whether strengths are of tasks that there are is not looked at here. */
export function capabilityProblems(value: Readonly<Record<string, unknown>>): readonly ValueProblem[] {
  const known = { ...capabilities, strengths: () => undefined };
  return Object.entries(value).flatMap(([model, given]) => {
    const strengths = isTable(given) ? given["strengths"] : undefined;
    return [
      ...fieldProblems(given, [model], known),
      ...(strengths === undefined ? [] : valueProblems(strengths, [model, "strengths"], strength)),
    ];
  });
}

/** Finds what is wrong with the weights of members. Whether there are such members is not looked at here. */
export function weightProblems(value: Readonly<Record<string, unknown>>): readonly ValueProblem[] {
  return valueProblems(value, [], weight);
}

/** Says that there is no such key, with the one that was meant or those that there are. */
export function noSuch(what: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return `there is no such ${what}; ${near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`}`;
}

function fieldProblems(
  value: unknown,
  path: readonly string[],
  checks: Readonly<Record<string, Check>>,
): readonly ValueProblem[] {
  const known = Object.keys(checks);
  if (!isTable(value)) {
    return [{ path, message: `expected a section with ${known.join(", ")}, got ${described(value)}` }];
  }
  return Object.entries(value).flatMap(([key, given]) => {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check !== undefined) return wrong(given, [...path, key], check);
    return [{ path: [...path, key], message: noSuch("setting", key, known) }];
  });
}

/** Checks the values of keys that the user names. */
function valueProblems(value: unknown, path: readonly string[], check: Check): readonly ValueProblem[] {
  if (!isTable(value)) return [{ path, message: `expected a section, got ${described(value)}` }];
  return Object.entries(value).flatMap(([key, given]) => wrong(given, [...path, key], check));
}

function wrong(value: unknown, path: readonly string[], check: Check): readonly ValueProblem[] {
  if (value === undefined) return [];
  const expected = check(value);
  return expected === undefined ? [] : [{ path, message: `expected ${expected}, got ${described(value)}` }];
}
