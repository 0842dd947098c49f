import type { ModelCapabilities } from "../model.ts";
import { capabilityTable, tableSource } from "./table.ts";
import { taskKinds } from "./task-kinds.ts";

/** Says how good a model is at each kind of task, 0 to 1, and who says so. */
export type Strengths = {
  readonly levels: Readonly<Record<string, number>>;
  /** `estimated` from public facts; `measured` by a comparison; `configured` by the user. */
  readonly basis: "estimated" | "measured" | "configured";
  readonly source: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
};

/** Is what the table knows of a model. */
export interface ModelFacts {
  readonly capabilities: Partial<ModelCapabilities>;
  readonly strengths: Strengths;
}

let read: ReadonlyMap<string, string> | undefined;

/** Finds what is known of a model by its name, with or without a provider before it and a date after it; undefined when nothing is. */
export function factsOf(model: string): ModelFacts | undefined {
  read ??= readLines();
  const bare = normalized(model.slice(model.lastIndexOf("/") + 1));
  const line = read.get(bare) ?? read.get(withoutVersion(bare));
  return line === undefined ? undefined : factsIn(line);
}

/** Lists the names of the models in the table, sorted. */
export function knownModels(): readonly string[] {
  read ??= readLines();
  return [...read.values()].map((line) => line.slice(0, line.indexOf(" "))).toSorted();
}

function readLines(): ReadonlyMap<string, string> {
  const lines = capabilityTable.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [normalized(line.slice(0, line.indexOf(" "))), line]));
}

/** Resellers write claude-sonnet-4.5 for claude-sonnet-4-5, and a variant after a colon. */
function normalized(name: string): string {
  const colon = name.indexOf(":");
  return (colon === -1 ? name : name.slice(0, colon)).toLowerCase().replaceAll(".", "-");
}

function withoutVersion(name: string): string {
  return name.replace(/-(latest|preview|\d{8}|\d{4}-\d{2}-\d{2}|\d{4}|v\d+)$/, "");
}

/** Are the types of images that models which see take. */
export const imageTypes: readonly string[] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

function factsIn(line: string): ModelFacts {
  const [, context, output, abilities = "", levels = ""] = line.split(" ");
  const can = (ability: string): boolean => abilities.includes(ability);
  const files = [
    ...(can("i") ? imageTypes : []),
    ...(can("d") ? ["application/pdf"] : []),
    ...(can("a") ? ["audio/wav", "audio/mpeg"] : []),
  ];
  const strengths = levels.split(",").map((level, index) => [taskKinds[index] ?? "", Number(level) / 100] as const);
  return {
    capabilities: {
      contextTokens: Number(context),
      maxOutputTokens: Number(output),
      tools: can("t") ? "parallel" : "none",
      reasoning: can("r"),
      prefill: can("p"),
      files,
      promptCaching: can("c") ? "automatic" : can("m") ? "marked" : "none",
    },
    strengths: {
      levels: Object.fromEntries(strengths),
      basis: "estimated",
      source: tableSource.registry,
      date: tableSource.date,
    },
  };
}
