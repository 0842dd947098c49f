import type { Atlas } from "../../app/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";
import type { EndedRun } from "../run-watch.ts";
import { watchRuns } from "../run-watch.ts";

/** Are the options of `atlas worker`. */
export interface WorkerCommandOptions {
  readonly queue?: readonly string[];
  readonly max?: number;
  readonly name?: string;
  readonly drain?: number;
}

const defaultDrainSeconds = 30;

/**
 * Takes runs from queues, and the runs of workers that died, until a signal asks it to end. Then it takes nothing more, and gives
 * what runs time to end; what is cut off goes on with another worker.
 */
export async function worker(call: Call<WorkerCommandOptions>): Promise<number> {
  const { options, screen, interrupt } = call;
  const { queue: queues, max: maxRuns, name, drain = defaultDrainSeconds } = options;
  // The first runs may begin while the database is still being opened; they are told after the worker itself.
  const early: (() => void)[] = [];
  let started = false;
  const inTurn = (tell: () => void): void => void (started ? tell() : early.push(tell));
  const watch = watchRuns({
    begun: (run) => inTurn(() => tellBegun(run, call)),
    ended: (run) => inTurn(() => tellEnded(run, call)),
  });
  const taking = {
    ...(queues && { queues }),
    ...(maxRuns !== undefined && { maxRuns, minRuns: 1 }),
    ...(name !== undefined && { name }),
  };
  const atlas = await openAtlas(call, { worker: taking, recover: true, telemetry: watch.telemetry });
  const stopStatus = showStatus(call, watch);
  try {
    tellStart(atlas, call);
    started = true;
    for (const tell of early) tell();
    await signalled(interrupt.signal);
    const { running } = watch;
    if (running > 0 && interrupt.cause !== "SIGPIPE")
      screen.say(`Draining: ${runsOf(running)} left, for at most ${drain} s. Press Ctrl-C again to end at once.`);
    await atlas.runs.workers.drain(drain * 1_000);
  } finally {
    stopStatus();
    await atlas.close();
  }
  const { counts } = watch;
  if (screen.json) screen.printJson({ type: "worker.ended", ...counts }, "sequence");
  else screen.say(`Ended: ${counts.completed} completed, ${counts.failed} failed, ${counts.interrupted} let go.`);
  if (counts.interrupted === 0) interrupt.obeyed();
  return 0;
}

async function signalled(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  // Nothing else keeps a worker alive that has nothing to do.
  const alive = setInterval(() => {}, 2_147_483_647);
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  clearInterval(alive);
}

function tellStart({ settings }: Atlas, { options, screen }: Call<WorkerCommandOptions>): void {
  const { queue: taken = settings.values.worker.queues, max: most = settings.values.worker.maxRuns } = options;
  if (screen.json) {
    screen.printJson({ type: "worker.started", pid: process.pid, queues: taken ?? null, maxRuns: most }, "sequence");
    return;
  }
  const where = taken === undefined ? "all queues" : taken.map((queue) => oneLine(queue, 64)).join(", ");
  screen.say(`Working on ${where}, at most ${runsOf(most)} at once. Ctrl-C ends in order.`);
}

function tellBegun({ runId, workflow }: { runId: string; workflow: string }, { screen }: Call): void {
  if (screen.json) screen.printJson({ type: "run.begun", runId, workflow }, "sequence");
}

function tellEnded({ runId, workflow, status, durationMs, error }: EndedRun, { screen }: Call): void {
  if (screen.json) {
    screen.printJson({ type: "run.ended", runId, workflow, status, durationMs, ...(error && { error }) }, "sequence");
    return;
  }
  const look = status === "completed" ? "green" : status === "failed" ? "red" : "yellow";
  const why = error === undefined ? "" : `  ${oneLine(screen.redact(error.message), 120)}`;
  screen.print(line`${runId}  ${styled(look, status.padEnd(11))}  ${oneLine(workflow, 64)}  ${durationMs} ms${why}`);
}

function showStatus({ screen }: Call, watch: ReturnType<typeof watchRuns>): () => void {
  const show = (): void => {
    const { running, counts } = watch;
    screen.progress(`${running} running · ${counts.completed} completed · ${counts.failed} failed`);
  };
  const timer = setInterval(show, 500).unref();
  show();
  return () => {
    clearInterval(timer);
    screen.progress("");
  };
}

function runsOf(count: number): string {
  return count === 1 ? "1 run" : `${count} runs`;
}
