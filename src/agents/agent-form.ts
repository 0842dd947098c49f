import type { WindowPolicy } from "../memory/index.ts";

/** Is what of an agent is looked at, whatever it is. */
interface Given {
  readonly tools: readonly unknown[];
  readonly output: unknown;
  readonly window: WindowPolicy;
}

const keeps: readonly unknown[] = ["pin", "drop", "summarise", undefined];
const sectionNames: readonly string[] = ["instructions", "facts", "documents", "history", "tools"];

/**
 * Finds what is of no form that an agent can have, as programs without types and settings of others give it: what is noticed only
 * in a run has cost something then.
 */
export function formProblems({ tools, output, window }: Given): readonly string[] {
  const problems = tools.flatMap((each, at) =>
    isObject(each) && each["kind"] === "tool" ? [] : [`its tools[${at}] is no tool; make it with tool()`],
  );
  if (output !== undefined && !(isObject(output) && "~standard" in output))
    problems.push("its output must be a Standard Schema, as of zod");
  return [...problems, ...windowProblems(window)];
}

function windowProblems({ maxTokens, maxResultTokens, sections = {} }: WindowPolicy): readonly string[] {
  const problems: string[] = [];
  const bound = (place: string, value: number | undefined, least: number): void => {
    if (value === undefined || value >= least) return;
    problems.push(`its window.${place} must be a number ${least === 0 ? "from 0 on" : "above 0"}`);
  };
  bound("maxTokens", maxTokens, 1);
  bound("maxResultTokens", maxResultTokens, 1);
  for (const [name, section] of Object.entries(sections)) {
    if (!sectionNames.includes(name))
      problems.push(`its window.sections names ${name}; there are ${sectionNames.join(", ")}`);
    bound(`sections.${name}.maxTokens`, section.maxTokens, 0);
    if (!keeps.includes(section.keep)) problems.push(`its window.sections.${name}.keep must be pin, drop or summarise`);
  }
  return problems;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}
