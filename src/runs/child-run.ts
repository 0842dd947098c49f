import { stringifyJson } from "../base/index.ts";
import type { ChildCall } from "./context.ts";
import type { CallingRun } from "./execution.ts";
import type { NewRun } from "./journal.ts";
import type { NewEntry } from "./log-writer.ts";

/** Makes the row of a child that is called; without an owner it waits in a queue. */
export function childOf(
  parent: CallingRun,
  { workflow, input, key, options: { budget, retry, tags } }: ChildCall,
  { id, owner }: { readonly id: string; readonly owner?: string },
): NewRun {
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
      ...(budget === undefined ? {} : { budget }),
      ...(retry === undefined ? {} : { retry }),
    },
  };
}

/** Makes the entry that a child begins with in the log of its caller. */
export function startedEntry(run: NewRun, { key }: ChildCall): NewEntry {
  return { type: "call.started", key, data: { runId: run.id, workflow: run.workflow } };
}
