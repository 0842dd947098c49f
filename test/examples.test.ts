import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../examples", import.meta.url));

/** What each example must say, so that one that does nothing is not taken for one that works. */
const expected: Readonly<Record<string, readonly string[]>> = {
  "agent-class.ts": ["name: 'weather'", "name: 'asked'", "Clear skies"],
  "ai-sdk.ts": ["Bread rises because yeast breathes.", '"model":"first","outcome":"failed"', "group/both says:"],
  "budget.ts": ["budget: ", "spent: $0.020", "budget_exceeded: The budget run has $0 left of $0.02"],
  "durable-run.ts": ["order.paid", "signal.received", "approvedBy: 'Ada'"],
  "embeddings.ts": ["3 texts in one request", "nearest: Knead the dough", "6 dimensions, 24 tokens (reported)"],
  "first-agent.ts": ["tool.completed", "castle", "tokens in"],
  "limits.ts": [
    "at the same time: 1, in flight now: 0",
    "next call: rate_limited, in 60 s",
    "The second time it works. failed, finished",
    "call 4: no_provider_available",
  ],
  "local-model.ts": [
    "[ 'baker' ]",
    "Bread| rises| because",
    "outputTokens: 7, provenance: 'reported'",
    "{ rises: false }",
  ],
  "stream-control.ts": ["[paused]", "[redacted], ", "pauses: 1", "was cancelled"],
  "graph.ts": ["What bread is made of: Bread needs flour, water, salt and time.", "Draft 3 has 40 characters."],
  "graph-interrupt.ts": [
    "class n2 active;",
    "approved: false, sent: false",
    "item: 'oil', price: 300, approved: false, sent: true",
  ],
  "graph-ready.ts": ["yeast makes gas. Salt slows yeast.", "result: 'salt: done'"],
  "group-fallback.ts": [
    "is void: first/script broke",
    "yeast breathes",
    "attempt: first failed",
    "seam: restarted after 23",
  ],
  "langgraph.ts": [
    '"at":"price","update":{"notes":["flour: 5 euro"]}',
    "notes: [ 'flour: 5 euro', 'ordered' ]",
    "[ 'approve' ] { item: 'oil', notes: [ 'oil: 3 euro' ] }",
  ],
  "knowledge.ts": ["added: 1", "handbook.md:1", "30 days of holidays", "ok: true"],
  "manager.ts": ["q1 begins: installer", "done 3 left 0", "needs Node 24", "logging.md:5", "ended: stop"],
  "patterns.ts": [
    "mapReduce: 2 answers, 2 citations",
    "debate: agreed: true, after 1 of 3 rounds",
    "handoff: Everybody has 30 days",
    "blackboard: EVERYBODY HAS 30 DAYS",
    "controller: 2 done",
    "taskAware: 'leave'",
    "supported, cites handbook/holidays.md",
  ],
  "queue.ts": ["page 1 of ada", "attempt 2: the printer is out of paper", "blocked 1, dead 1", "parcel: sent"],
  "registry.ts": [
    "researcher 1.4.0 agent",
    "best for research: researcher 2.0.0, 0.9",
    "researcher@^1.0.0: Found by 1.4.0.",
    "guide-lisbon: Take the tram in Lisbon.",
    "search was called 2 times",
    "The configuration of guides is not valid: city",
  ],
  "reward.ts": ["1.5 points before, 0 after", "benched: ", "harmful", "careful: paid off 5 times, added debt 0 times"],
  "supervisor.ts": [
    "feedback -> planning: open_points",
    "ended: no_progress, best round 1",
    "| The daily allowance is 28 euros.",
    "leave.md:3",
  ],
  "schedule.ts": ["hello later", "schedule:hello:TIME hello calendar", "removed: true"],
  "providers-openai.ts": ["voilà", "tool_calls", "3 requests for 2 calls"],
  "providers-anthropic.ts": ["Thirty days", "thought sent back: true", "takes no files of the type video/mp4"],
  "providers-ollama.ts": ["num_ctx: 16384", "truncatedPrompt: true", "provider_error"],
  "providers-custom.ts": [
    '"heat":0.2',
    "Yeast breathes, and the dough rises.",
    "request.body.question: there is no placeholder",
  ],
};

describe("the examples", () => {
  it("are all tested", () => {
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith(".ts"))
        .toSorted(),
    ).toEqual(Object.keys(expected).toSorted());
  });

  it.each(Object.entries(expected))("%s runs offline and says what it should", async (name, texts) => {
    const project = mkdtempSync(join(tmpdir(), "atlas-example-"));
    const { exitCode, output } = await run(join(folder, name), project);
    rmSync(project, { recursive: true, force: true });
    expect(exitCode, output).toBe(0);
    for (const text of texts) expect(output).toContain(text);
  });
});

function run(path: string, project: string): Promise<{ exitCode: number | null; output: string }> {
  const environment = { PATH: process.env["PATH"], HOME: project, XDG_CONFIG_HOME: project };
  const child = spawn(process.execPath, ["--conditions=atlas-source", path], { cwd: project, env: environment });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, output })));
}
