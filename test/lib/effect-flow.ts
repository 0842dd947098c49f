import { appendFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createRuns, workflow } from "../../src/runs/index.ts";
import type { UnknownOutcome, Workflow } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";

/** Is an effect on a file, which a kill cuts off before or behind it. */
export interface EffectFlow {
  readonly policy: UnknownOutcome;
  readonly file: string;
  readonly kill?: "before" | "after" | undefined;
}

/** Makes a function whose one effect adds its idempotency key to a file. */
export function effectFlow({ policy, file, kill }: EffectFlow): Workflow<null, string> {
  const die = (when: string): void => void (kill === when && process.kill(process.pid, "SIGKILL"));
  return workflow({
    name: "effect",
    run: async (context) =>
      await context.step(
        "pay",
        ({ idempotencyKey }) => {
          die("before");
          appendFileSync(file, `${idempotencyKey}\n`);
          die("after");
          return "paid";
        },
        { onUnknown: policy },
      ),
  });
}

/** Starts the function in a process that kills itself. */
async function main([path = "", file = "", policy, kill]: readonly string[]): Promise<void> {
  const runs = await createRuns({ database: await sqlite({ path }) });
  const flow = effectFlow({ file, policy: policy as UnknownOutcome, kill: kill as "before" | "after" });
  await (await runs.start(flow, null)).result();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
