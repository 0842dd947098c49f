// Runs that begin at a time, and by the calendar: the times of a zone, days with a change of the clock, what was missed.
import { createAtlas, workflow } from "atlas-agents";

const greet = workflow({
  name: "greet",
  run: async (context, to: string) => await context.step("say", () => `hello ${to}`),
});

await using atlas = await createAtlas({ workflows: [greet] });
const { runs } = atlas;

const later = await runs.start(greet, "later", { queue: "mail", startAt: Date.now() + 100 });
console.log((await later.record()).status);
console.log(await later.result());

// Every second; the name is the schedule's, so setting it again changes it.
await runs.schedules.set({ name: "hello", workflow: "greet", input: "calendar", cron: "* * * * * *", queue: "mail" });
for (;;) {
  const [run] = await runs.list({ queue: "mail", limit: 1 });
  if (run?.tags["schedule"] === "hello") {
    console.log(run.key?.replace(/:\d{4}.*/, ":TIME"), await (await runs.open(run.id)).result());
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(`removed: ${await runs.schedules.remove("hello")}`);

// On the last Sunday of March there is no half past two in Berlin.
const times = await runs.schedules.preview("30 2 * * *", { timezone: "Europe/Berlin", count: 3 });
console.log(`next: ${times.length} times, the first in the future: ${(times[0] ?? 0) > Date.now()}`);
