import { cancelRun } from "./cancel.ts";
import type { Engine } from "./engine.ts";

/** Lets an engine cancel what a run that failed had called and no longer waits for: nobody takes what it would give. */
export function cancelOrphans(engine: Engine): void {
  const underWay = new Set<Promise<void>>();
  engine.attach({
    ended({ runId }, { status }) {
      if (status !== "failed") return;
      const cancelled = cancelChildren(engine, runId)
        .catch((error: unknown) => engine.warn("what a failed run had called was not cancelled", error))
        .finally(() => underWay.delete(cancelled));
      underWay.add(cancelled);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay);
    },
  });
}

async function cancelChildren(engine: Engine, runId: string): Promise<void> {
  const children = await engine.journal.children(runId);
  await Promise.all(children.map((child) => cancelRun(engine, child, "its caller has failed")));
}
