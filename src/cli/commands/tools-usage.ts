import type { ToolCallRecord } from "../../tools/index.ts";
import { createToolMetrics } from "../../tools/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { RunEvent } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { count, duration } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas tools usage`. */
export interface ToolsUsageOptions {
  readonly runs?: number;
}

/** Tells from the logs of the last runs what tools were used for: what was measured when they ran, also on other machines. */
export async function toolsUsage(call: Call<ToolsUsageOptions>): Promise<number> {
  const { options, screen, interrupt } = call;
  const { signal } = interrupt;
  await using atlas = await openAtlas(call);
  const metrics = createToolMetrics();
  const runs = (await atlas.runs.list({ limit: options.runs ?? 200 })).filter(({ workflow }) =>
    workflow.startsWith("agent:"),
  );
  for (const { id, workflow } of runs) {
    const handle = await atlas.runs.open(id);
    for await (const event of handle.events({ live: false, signal })) {
      const record = recordOf(event, workflow.slice("agent:".length));
      if (record) metrics.record(record);
    }
  }
  const use = metrics.list();
  if (screen.json) screen.printJson({ runs: runs.length, use });
  else {
    for (const { tool, agent, calls, failed, failures, p50Ms, p95Ms } of use) {
      const codes = Object.entries(failures).map(([code, number]) => `${code} ${number}`);
      const bad = failed === 0 ? "" : styled("red", `  ${failed} failed (${oneLine(codes.join(", "))})`);
      screen.print(
        line`${styled("bold", oneLine(tool))}  ${oneLine(agent)}  ${count(calls, "call")}  p50 ${duration(p50Ms)}  p95 ${duration(p95Ms)}${bad}`,
      );
    }
    screen.say(`Read from ${count(runs.length, "run")} of agents.`);
  }
  return 0;
}

function recordOf({ type, data }: RunEvent, agent: string): ToolCallRecord | undefined {
  if ((type !== "tool.completed" && type !== "tool.failed") || !isJsonObject(data)) return undefined;
  const { name, durationMs, error } = data;
  if (typeof name !== "string") return undefined;
  const code = isJsonObject(error) && typeof error["code"] === "string" ? error["code"] : undefined;
  // A tool that there is not was never called.
  if (code === "tool_unknown") return undefined;
  return { agent, tool: name, durationMs: typeof durationMs === "number" ? durationMs : 0, ...(code && { code }) };
}
