import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import { conditionProblem } from "./condition.ts";

/** Tells what is wrong with the form of an edge that comes from JSON, or from where no compiler looked; undefined when it is one. */
export function edgeProblem(edge: JsonValue | undefined): string | undefined {
  if (!isJsonObject(edge ?? null)) return "is no object";
  const {
    kind,
    from,
    to,
    choose,
    items,
    by,
    if: asked,
    params,
    priority,
  } = edge as Readonly<Record<string, JsonValue>>;
  if (typeof from !== "string") return "does not say from where";
  if (kind === "edge") {
    if (params !== undefined && !isJsonObject(params)) return "has params that are no object";
    if (priority !== undefined && !Number.isFinite(priority)) return "has a priority that is no number";
    return typeof to === "string" ? askedProblem(asked) : "does not say where it leads";
  }
  if (kind === "when") {
    const isSound = to === undefined || (Array.isArray(to) && to.every((each) => typeof each === "string"));
    return isSound ? askedProblem(choose ?? null) : "does not list the names of nodes";
  }
  if (kind === "weighted") {
    if (!isJsonObject(to ?? null) || (by !== "chance" && by !== "priority"))
      return "has no weights, or no way to choose";
    if (asked !== undefined && !isJsonObject(asked)) return "has conditions that are no object";
    return Object.values(asked ?? {})
      .map(askedProblem)
      .find(Boolean);
  }
  if (kind !== "each") return "is of no kind; kinds are: edge, when, weighted, each";
  const isList = typeof items === "string" || (isJsonObject(items ?? null) && typeof pathOf(items) === "string");
  return typeof to === "string" && isList ? undefined : "does not say for each item of what it leads where";
}

function pathOf(items: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(items ?? null) ? (items as Readonly<Record<string, JsonValue>>)["path"] : undefined;
}

function askedProblem(asked: JsonValue | undefined): string | undefined {
  return asked === undefined || typeof asked === "string" ? undefined : conditionProblem(asked);
}
