import { stringifyJson } from "../base/index.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { CallingRun } from "./execution.ts";
import type { NewRun } from "./journal.ts";
import type { NewEntry } from "./log-writer.ts";

/** How many runs may be above one: far more than anything that is meant needs, and few enough for a stack of calls. */
const maxDepth = 100;

/**
 * Makes the row of a child that is called; without an owner it waits in a queue.
 *
 * Errors: run_too_deep, so that what calls itself ends.
 */
export function childOf(
  parent: CallingRun,
  { workflow, input, key, options: { budget, retry, tags } }: ChildCall,
  { id, owner }: { readonly id: string; readonly owner?: string },
): NewRun {
  const depth = parent.depth + 1;
  if (depth > maxDepth)
    throw runErrors.create(
      "run_too_deep",
      `The run ${parent.id} may not call ${workflow.name}: ${maxDepth} runs are above it, each called by the one before.`,
      { details: { runId: parent.id, workflow: workflow.name, depth } },
    );
  return {
    id,
    workflow: workflow.name,
    version: workflow.version,
    status: owner === undefined ? "queued" : "running",
    owner,
    input: stringifyJson(input),
    parentId: parent.id,
    tenant: parent.tenant,
    ...(tags === undefined ? {} : { tags }),
    options: {
      // A call that is done again, by a retry or a redrive of its run, is the same to whoever is told its keys.
      idempotencyId: `${parent.idempotencyId}/${key}`,
      depth,
      ...(budget === undefined ? {} : { budget }),
      ...(retry === undefined ? {} : { retry }),
    },
  };
}

/** Makes the entry that a child begins with in the log of its caller. */
export function startedEntry(run: NewRun, { key }: ChildCall): NewEntry {
  return { type: "call.started", key, data: { runId: run.id, workflow: run.workflow } };
}
