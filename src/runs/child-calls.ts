import type { JsonValue } from "../base/index.ts";
import { fromErrorData, stringifyJson, toAtlasError } from "../base/index.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Engine } from "./runs.ts";

/** Is the run that calls a child. */
interface Parent {
  readonly id: string;
  readonly writer: LogWriter;
  readonly signal: AbortSignal;
}

/** Runs child runs for their parents: the child's row is made in the commit that records the call. */
export function createCalls(engine: Pick<Engine, "journal" | "owners" | "executions" | "workflows" | "newId" | "begin" | "takeUp">) {
  const { journal, owners, executions, workflows } = engine;

  const begin = async (parent: Parent, call: ChildCall): Promise<string> => {
    const run = {
      id: engine.newId(),
      workflow: call.workflow.name,
      owner: await owners.own(),
      input: stringifyJson(call.input),
      key: undefined,
      parentId: parent.id,
      tags: {},
    };
    const entry = { type: "call.started", key: call.key, data: { runId: run.id, workflow: run.workflow } };
    await parent.writer.appendWith(entry, journal.creation(run));
    engine.begin(run, call.workflow);
    return run.id;
  };
  const resume = async (id: string): Promise<void> => {
    const run = await journal.load(id);
    if (run && run.finishedAt === undefined && !executions.has(id) && !(await owners.isAlive(run.owner))) await engine.takeUp(run);
  };
  const outcome = async (id: string): Promise<JsonValue | undefined> => {
    const ended = await executions.get(id)?.done;
    if (ended?.status === "stopped") throw ended.error;
    const run = await journal.load(id);
    if (run?.status === "completed") return run.output;
    throw run?.error ? fromErrorData(run.error) : runErrors.create("run_interrupted", `The child run ${id} was interrupted.`);
  };
  return {
    async callChild(parent: Parent, call: ChildCall): Promise<JsonValue | undefined> {
      if (!workflows.has(call.workflow.name)) workflows.set(call.workflow.name, call.workflow);
      const id = call.started ?? (await begin(parent, call));
      if (call.started !== undefined) await resume(id);
      const abort = (): void => executions.get(id)?.abort(toAtlasError(parent.signal.reason));
      parent.signal.addEventListener("abort", abort, { once: true });
      if (parent.signal.aborted) abort();
      try {
        const output = await outcome(id);
        await parent.writer.append({ type: "call.completed", key: call.key, data: output === undefined ? {} : { output } });
        return output;
      } catch (cause) {
        if (parent.signal.aborted) throw parent.signal.reason;
        const error = toAtlasError(cause);
        await parent.writer.append({ type: "call.failed", key: call.key, data: { error: error.toJSON() } });
        throw error;
      } finally {
        parent.signal.removeEventListener("abort", abort);
      }
    },
  };
}
