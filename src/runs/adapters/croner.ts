import { Cron } from "croner";
import { runErrors } from "../errors.ts";
import type { Calendar } from "../tasks/calendar.ts";

/** Reads cron expressions with croner: five fields, or six with seconds first; names of months and days; times of any zone. */
export function croner(): Calendar {
  return {
    next({ cron, timezone, after, count }) {
      try {
        const job = new Cron(cron, { timezone, paused: true, mode: "5-or-6-parts" });
        return job.nextRuns(count, new Date(after)).map((date) => date.getTime());
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw runErrors.create(
          "schedule_invalid",
          `The cron expression ${JSON.stringify(cron)} in ${JSON.stringify(timezone)} cannot be understood: ${reason}`,
          { details: { cron, timezone }, cause },
        );
      }
    },
  };
}
