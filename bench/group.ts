// Measures what a healthy group adds to a call, and how soon an adaptive group leaves a member that fails and returns to it.
import { seededRandom } from "../src/base/index.ts";
import { openaiCompatible } from "../src/providers/adapters/openai-chat.ts";
import { adaptive, generate, group, type Model, scripted, userMessage, weighted } from "../src/providers/index.ts";
import { manualClock } from "../src/testing/manual-clock.ts";
import type { BenchResult } from "./lib/harness.ts";
import { alternate, median } from "./lib/harness.ts";
import { startModelServer } from "./lib/start-server.ts";

const rounds = 9;
const callsInRound = 150;
const courses = 20;
const failureRate = 0.3;
const callsToLearn = 50;
const callsCounted = 300;
const callsOfHistory = 500;
/** Breakers and cooldowns need time to pass: the learning runs on a clock of its own. */
const betweenCallsMs = 500;
const request = { messages: [userMessage("Why does bread rise?")] };

export async function run(): Promise<BenchResult> {
  using server = await startModelServer();
  const provider = openaiCompatible({ name: "local", baseUrl: `${server.url}/coalesced/50` });
  const bare = provider.model("a");
  const healthy = group({ name: "healthy", members: [bare, provider.model("b")], strategy: weighted() });
  const chosen = group({ name: "adaptive", members: [bare, provider.model("b")], strategy: adaptive() });
  const ms = await alternate(
    {
      bare: () => callMs(bare),
      group: () => callMs(healthy),
      adaptive: () => callMs(chosen),
    },
    rounds,
  );
  await provider[Symbol.asyncDispose]();

  const learned: Course[] = [];
  const relearned: Course[] = [];
  for (let seed = 1; seed <= courses; seed++) {
    learned.push(await runCourse(seed, 0));
    relearned.push(await runCourse(seed, callsOfHistory));
  }
  return {
    metrics: {
      bare_p50_ms: ms.bare,
      added_p50_ms: ms.group - ms.bare,
      adaptive_added_p50_ms: ms.adaptive - ms.bare,
      moved_within_50: mean(learned.map((course) => course.moved)),
      moved_after_history: mean(relearned.map((course) => course.moved)),
      returned: mean(learned.map((course) => course.returned)),
    },
    ratios: { group_vs_bare: ms.group / ms.bare },
    notes: [
      `added_p50_ms: whole calls of 50 events, one after the other, to an HTTP server in another process; the difference of the medians of ${rounds} alternating rounds of ${callsInRound} calls (their median).`,
      `moved_within_50: of two members the first fails ${failureRate * 100} % of its calls; share of calls ${callsToLearn + 1} to ${callsToLearn + callsCounted} whose first attempt goes to the other; mean of ${courses} seeds, scripted models, ${betweenCallsMs} ms between calls on a manual clock.`,
      `moved_after_history: the same where ${callsOfHistory} calls went well before the first began to fail.`,
      `returned: share of calls that the first gets again, of ${callsCounted} calls that begin ${callsCounted} calls after it healed; 0.5 is an even split.`,
      "Left out: a network, calls at the same time, members that differ in speed and price.",
    ],
  };
}

async function callMs(model: Model): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < callsInRound; call++) {
    const began = performance.now();
    await generate(model, request);
    times.push(performance.now() - began);
  }
  return median(times);
}

interface Course {
  readonly moved: number;
  readonly returned: number;
}

async function runCourse(seed: number, historyCalls: number): Promise<Course> {
  const chance = seededRandom(seed);
  const clock = manualClock();
  let healed = true;
  const first = scripted(
    () => (!healed && chance.next() < failureRate ? { error: "provider_error" } : { text: "Yeast." }),
    { provider: "first", name: "m" },
  );
  const other = scripted(() => ({ text: "Yeast." }), { provider: "other", name: "m" });
  const model = group({
    name: "adaptive",
    members: [first, other],
    strategy: adaptive(),
    random: seededRandom(seed + 1_000),
    clock,
  });
  const shareOfFirst = async (calls: number): Promise<number> => {
    let hits = 0;
    for (let call = 0; call < calls; call++) {
      await clock.advance(betweenCallsMs);
      const { report } = await generate(model, request);
      if (report?.attempts[0]?.provider === "first") hits++;
    }
    return hits / calls;
  };
  await shareOfFirst(historyCalls);
  healed = false;
  await shareOfFirst(callsToLearn);
  const moved = 1 - (await shareOfFirst(callsCounted));
  healed = true;
  await shareOfFirst(callsCounted);
  return { moved, returned: await shareOfFirst(callsCounted) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
