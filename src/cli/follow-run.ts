import type { AgentResult } from "../agents/index.ts";
import type { Atlas } from "../app/index.ts";
import { isAtlasError, isJsonObject } from "../base/index.ts";
import type { RunEvent, RunHandle } from "../runs/index.ts";
import type { Call } from "./command.ts";
import type { Narrator } from "./narrator.ts";
import { createNarrator, isWait } from "./narrator.ts";
import { failWith } from "./report.ts";

/** Is how following a run ended. */
export type Ending<Result> =
  | { readonly kind: "result"; readonly result: Result; readonly streamed: string; readonly durationMs: number }
  | { readonly kind: "failed"; readonly exitCode: number };

/**
 * Shows a run while it goes on and waits for its end. At the first signal Atlas is closed, which keeps the run, and the user
 * is told how to take it up.
 */
export async function followRun<Result>(atlas: Atlas, handle: RunHandle<Result>, call: Call): Promise<Ending<Result>> {
  const { screen, interrupt } = call;
  const begin = performance.now();
  const narrator = createNarrator(screen);
  const stop = (): void => {
    screen.progress("");
    screen.say("\nStopping; the run is kept. Press Ctrl-C again to end at once.");
    void atlas.close().catch(() => {});
  };
  if (interrupt.signal.aborted) stop();
  interrupt.signal.addEventListener("abort", stop, { once: true });
  const over = new AbortController();
  const followed = { atlas, narrator, signal: AbortSignal.any([interrupt.signal, over.signal]), left: mostCalled };
  const telling = (async () => {
    for await (const event of handle.events({ signal: interrupt.signal })) {
      narrator.tell(event);
      followCalled(event, followed);
    }
  })().catch((error: unknown) => {
    if (!interrupt.signal.aborted) throw error;
  });
  try {
    const [result] = await Promise.all([handle.result(), telling]);
    screen.progress("");
    return { kind: "result", result, streamed: narrator.streamed, durationMs: Math.round(performance.now() - begin) };
  } catch (error) {
    screen.progress("");
    return { kind: "failed", exitCode: endBadly(error, handle.id, call) };
  } finally {
    over.abort();
    interrupt.signal.removeEventListener("abort", stop);
  }
}

/** So many called runs are listened to at most. */
const mostCalled = 100;

/** Is what listening to called runs needs; `left` counts how many more may be. */
interface Followed {
  readonly atlas: Atlas;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
  left: number;
}

/** Tells what a run that this one called waits for, however deep: a member of a team may ask a person. */
function followCalled({ type, data }: RunEvent, followed: Followed): void {
  const { runId } = isJsonObject(data) ? data : {};
  if (type !== "call.started" || typeof runId !== "string" || followed.left === 0) return;
  followed.left--;
  const { atlas, narrator, signal } = followed;
  const listen = async (): Promise<void> => {
    for await (const event of (await atlas.runs.open(runId)).events({ signal })) {
      if (isWait(event)) narrator.tell(event);
      followCalled(event, followed);
    }
  };
  // Whoever cannot be listened to ends as ever: the run that called it says how.
  void listen().catch(() => {});
}

function endBadly(error: unknown, runId: string, { screen, interrupt }: Call): number {
  if (interrupt.cause === "SIGPIPE") return 0;
  if (interrupt.exitCode !== undefined) {
    if (screen.json) failWith(error, screen, { runId, status: "interrupted" });
    else screen.say(`The run ${runId} is kept. Take it up with: atlas runs resume ${runId}`, "always");
    return interrupt.exitCode;
  }
  const status = isAtlasError(error) && error.code === "run_cancelled" ? "cancelled" : "failed";
  const exitCode = failWith(error, screen, { runId, status });
  // 1 says nothing; 7 says that the command was right and the run was not.
  return exitCode === 1 ? 7 : exitCode;
}

/** Tells whether a run's result is an agent's. */
export function isAgentResult(value: unknown): value is AgentResult<unknown> {
  return (
    typeof value === "object" && value !== null && "citations" in value && "usage" in value && "finishReason" in value
  );
}
