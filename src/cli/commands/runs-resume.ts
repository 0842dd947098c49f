import type { Atlas } from "../../app/index.ts";
import type { RunHandle } from "../../runs/index.ts";
import { showAnswer } from "../answer.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { followRun, isAgentResult } from "../follow-run.ts";
import { oneLine } from "../harmless.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs resume`. */
export interface RunsResumeOptions {
  readonly all?: boolean;
}

/** Takes up one interrupted run and shows it to its end, or all of them. */
export async function runsResume(call: Call<RunsResumeOptions>): Promise<number> {
  const { args, options } = call;
  const [id] = args;
  if ((id === undefined) === (options.all !== true)) {
    throw cliErrors.create("usage", "Name one run, or all of them: atlas runs resume ID, or atlas runs resume --all");
  }
  await using atlas = await openAtlas(call, { worker: {} });
  return id === undefined ? await resumeAll(atlas, call) : await resumeOne(atlas, await atlas.runs.resume(id), call);
}

async function resumeOne(atlas: Atlas, handle: RunHandle, call: Call): Promise<number> {
  const { io, screen } = call;
  const ending = await followRun(atlas, handle, call);
  if (ending.kind === "failed") return ending.exitCode;
  const { result, streamed, durationMs } = ending;
  if (isAgentResult(result))
    showAnswer({ runId: handle.id, result, durationMs, directory: io.directory, streamed }, screen);
  else if (screen.json) screen.printJson({ runId: handle.id, status: "completed", output: result, durationMs });
  else screen.stream(`${typeof result === "string" ? result : JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}

async function resumeAll(atlas: Atlas, call: Call): Promise<number> {
  const { screen, interrupt } = call;
  const handles = await atlas.runs.recover();
  screen.say(
    handles.length === 0
      ? "No run is interrupted."
      : `Resuming ${handles.length} run${handles.length === 1 ? "" : "s"} …`,
  );
  const stop = (): void => void atlas.close().catch(() => {});
  if (interrupt.signal.aborted) stop();
  interrupt.signal.addEventListener("abort", stop, { once: true });
  const records = await Promise.all(
    handles.map(async (handle) => {
      const error = await handle.result().then(
        () => undefined,
        (cause: unknown) => cause,
      );
      if (interrupt.signal.aborted) return { id: handle.id, status: "interrupted" };
      const { status } = await handle.record();
      const why = error instanceof Error ? `: ${oneLine(screen.redact(error.message), 300)}` : "";
      if (!screen.json) screen.print(`${handle.id} ${status}${why}`);
      return { id: handle.id, status };
    }),
  );
  if (screen.json) screen.printJson({ runs: records });
  return records.every(({ status }) => status === "completed") ? 0 : 7;
}
