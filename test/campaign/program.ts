// One process of the campaign: a worker, which takes up runs, or the server, which starts and steers them for the driver.
import { isAtlasError, systemClock } from "../../src/base/index.ts";
import type { Clock } from "../../src/base/index.ts";
import { openBudgets } from "../../src/providers/money/open-budgets.ts";
import { createRuns } from "../../src/runs/index.ts";
import type { Runs } from "../../src/runs/index.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import { away, awayExitCode, tenantTokens } from "./limits.ts";
import { plannedRun } from "./planned-run.ts";
import { serve } from "./server.ts";
import { openStorage } from "./storage.ts";
import { openTrace } from "./trace.ts";

const { CAMPAIGN_STORAGE = "", CAMPAIGN_TRACE = "", CAMPAIGN_ROLE = "", CAMPAIGN_NAME = "" } = process.env;
let offsetMs = Number(process.env["CAMPAIGN_OFFSET"] ?? 0);
const clock: Clock = { ...systemClock, now: () => Date.now() + offsetMs };
process.on("message", (message: { readonly offsetMs?: number }) => {
  offsetMs = message.offsetMs ?? offsetMs;
});
// Whoever started it is gone: nobody would end it.
process.on("disconnect", () => process.exit(0));
process.on("unhandledRejection", (error) => {
  process.stderr.write(`${CAMPAIGN_NAME} unhandled: ${error instanceof Error ? error.stack : String(error)}\n`);
});

const logger = createLogger({
  level: "warn",
  write: (line) => void process.stderr.write(`${CAMPAIGN_NAME} ${line}\n`),
});
const trace = openTrace(CAMPAIGN_TRACE);

async function begin(): Promise<void> {
  const { database, queue } = await openStorage(CAMPAIGN_STORAGE);
  const budgets = await openBudgets({ database });
  const runs: Runs = await createRuns({
    database,
    ...(queue === undefined ? {} : { queue }),
    clock,
    logger,
    worker: CAMPAIGN_ROLE === "worker" ? { name: CAMPAIGN_NAME, maxRuns: 16 } : false,
    budget: (tenant) => budgets.scope(tenant ?? "none", { period: "total", maxTokens: tenantTokens }),
  });
  const part = plannedRun(trace, "part");
  const planned = plannedRun(trace, "planned", part);
  runs.register(part);
  runs.register(planned);
  serve(runs, planned);
  process.send?.({ ready: true });
  if (CAMPAIGN_ROLE === "worker") await runs.recover();
}

try {
  await begin();
} catch (error) {
  // The database is away or full just now: whoever started this program starts it again.
  if (!isAtlasError(error) || !away.has(error.code)) throw error;
  process.exit(awayExitCode);
}
