import { toAtlasError } from "../../src/base/index.ts";
import type { JsonValue } from "../../src/base/index.ts";
import type { EffectDecision, Runs, StartOptions, Workflow } from "../../src/runs/index.ts";
import type { PlanInput } from "./plan.ts";

/** Is what the driver asks of the server. */
export type Ask =
  | { readonly kind: "start"; readonly input: PlanInput; readonly options: StartOptions }
  | { readonly kind: "cancel" | "pause" | "resume" | "fork"; readonly run: string }
  | { readonly kind: "signal"; readonly run: string; readonly name: string }
  | { readonly kind: "decide"; readonly run: string; readonly key: string; readonly decision: EffectDecision }
  | { readonly kind: "redrive"; readonly run: string };

/** Is what became of it; a server that dies gives none. */
export type Answer =
  | { readonly id: number; readonly value: JsonValue }
  | { readonly id: number; readonly code: string; readonly message: string };

/** Does what the driver asks, one answer for each request. */
export function serve(runs: Runs, planned: Workflow<PlanInput, number>): void {
  process.on("message", (message: { readonly id?: number; readonly ask?: Ask }) => {
    const { id, ask } = message;
    if (id === undefined || ask === undefined) return;
    const send = (answer: Answer): void => void process.send?.(answer);
    perform(runs, planned, ask).then(
      (value) => send({ id, value }),
      (cause: unknown) => {
        const { code, message: text } = toAtlasError(cause);
        send({ id, code, message: text });
      },
    );
  });
}

async function perform(runs: Runs, planned: Workflow<PlanInput, number>, ask: Ask): Promise<JsonValue> {
  if (ask.kind === "start") {
    const { id, isNew } = await runs.start(planned, ask.input, ask.options);
    return { run: id, isNew };
  }
  if (ask.kind === "redrive") return [...(await runs.deadLetters.redrive({ ids: [ask.run] }))];
  if (ask.kind === "decide") {
    await (await runs.open(ask.run)).decide(ask.key, ask.decision);
    return null;
  }
  const run = await runs.open(ask.run);
  if (ask.kind === "signal") await run.signal(ask.name, { go: true });
  else if (ask.kind === "fork") return { run: (await run.fork()).id };
  else await run[ask.kind]();
  return null;
}
