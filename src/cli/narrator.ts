import { isJsonObject } from "../base/index.ts";
import type { JsonObject, JsonValue } from "../base/index.ts";
import type { RunEvent } from "../runs/index.ts";
import { count as counted } from "./format.ts";
import { oneLine, unbroken } from "./harmless.ts";
import { styled } from "./line.ts";
import type { Screen } from "./screen.ts";

/** Tells a person what a run does, event by event. */
export interface Narrator {
  tell(event: RunEvent): void;
  /** The text that was streamed to stdout. */
  readonly streamed: string;
}

type Tellers = Readonly<Record<string, (data: JsonObject, runId: string) => void>>;

/** Makes a narrator: progress and tool calls to stderr, tokens live to stdout when that is a terminal. */
export function createNarrator(screen: Screen): Narrator {
  let streamed = "";
  let begun = "";
  let answeredBy: string | undefined;
  let ingested: JsonObject[] = [];
  const dim = (text: string): void => screen.say([styled("dim", text)]);
  const warn = (text: string): void => screen.say([styled("yellow", text)]);
  const short = (value: string, length?: number): string => oneLine(screen.redact(value), length);
  const tellers: Tellers = {
    "knowledge.progressed": (data) =>
      screen.progress(
        `Reading documents: ${number(data["filesDone"])} of ${counted(number(data["filesTotal"]), "file")}`,
      ),
    "knowledge.ingested": (data) => void ingested.push(data),
    "agent.started": (data) => {
      // A run that was taken up has begun more than once.
      const line = short(`${text(data["agent"])} · ${text(data["model"])}`);
      if (line !== begun) dim(line);
      begun = line;
    },
    "model.started": () => screen.progress("Thinking …"),
    "text.delta": (data) => {
      if (!screen.live) return;
      screen.stream(text(data["text"]));
      streamed += text(data["text"]);
    },
    "attempt.failed": (data) => {
      const model = short(`${text(data["provider"])}/${text(data["model"])}`, 60);
      warn(`The model ${model} failed (${short(text(data["code"]), 60)})`);
    },
    "answer.restarted": (data) => {
      streamed = "";
      warn(`${short(text(data["from"]), 60)} broke off; ${short(text(data["to"]), 60)} begins anew:`);
    },
    "answer.continued": (data) =>
      warn(`${short(text(data["from"]), 60)} broke off; ${short(text(data["to"]), 60)} goes on:`),
    "model.completed": (data) => {
      const name = memberIn(data["report"]);
      if (name !== undefined && name !== answeredBy) dim(`answered by ${short(name, 60)}`);
      answeredBy = name;
    },
    ...toolTellers(screen),
    ...waitTellers(screen),
  };
  return {
    tell(event) {
      const teller = Object.hasOwn(tellers, event.type) ? tellers[event.type] : undefined;
      if (ingested.length > 0 && !event.type.startsWith("knowledge.")) {
        tellIngest(ingested, screen);
        ingested = [];
      }
      if (teller !== undefined && isJsonObject(event.data)) teller(event.data, event.runId);
    },
    get streamed() {
      return streamed;
    },
  };
}

/** Tells of the calls of tools. */
function toolTellers(screen: Screen): Tellers {
  const short = (value: string, length?: number): string => oneLine(screen.redact(value), length);
  return {
    "tool.started": (data) => {
      const input = short(JSON.stringify(data["input"] ?? {}), 100);
      screen.say([styled("dim", `→ ${short(text(data["name"]), 40)} ${input}`)]);
    },
    "tool.completed": (data) =>
      screen.say([styled("dim", `  ${short(text(data["name"]), 40)} took ${number(data["durationMs"])} ms`)]),
    "tool.failed": (data) =>
      screen.say([styled("yellow", `  ${short(text(data["name"]), 40)} failed: ${short(messageOf(data["error"]))}`)]),
  };
}

/** Tells whether an event says that a person is waited for. */
export function isWait({ type }: RunEvent): boolean {
  return type === "approval.asked" || type === "signal.awaited" || type === "signal.refused";
}

/** Tells what a run waits for, and how it goes on: whoever looks on would take it for hanging. */
function waitTellers(screen: Screen): Tellers {
  const short = (value: string, length?: number): string => oneLine(screen.redact(value), length);
  const ask = (told: string): void => screen.say([styled("yellow", told)], "always");
  return {
    "approval.asked": (data) =>
      ask(`? ${short(text(data["name"]), 40)} ${short(JSON.stringify(data["input"] ?? {}), 200)}`),
    "signal.awaited": (data, runId) => {
      const name = text(data["name"]);
      const form = name.startsWith("approval:") ? `'{"approved":true}'` : "JSON";
      ask(short(text(data["question"]) || `It waits for the signal ${name}.`));
      ask(`  Answer it with: atlas runs signal ${runId} ${unbroken(name)} --data ${form}`);
    },
    "signal.refused": () => ask("  The answer does not fit: atlas runs show tells why."),
  };
}

/** Says what the ingests of some paths did together, and which files were left out. */
export function tellIngest(reports: readonly JsonObject[], screen: Screen): void {
  screen.progress("");
  const count = (name: string): number =>
    reports.reduce((sum, { files = null }) => sum + (isJsonObject(files) ? number(files[name]) : 0), 0);
  const failures = reports.flatMap(({ failures: each }) => (Array.isArray(each) ? (each as readonly JsonValue[]) : []));
  const read = count("added") + count("changed");
  const others = `${count("unchanged")} unchanged, ${count("removed")} gone, ${count("skipped")} skipped`;
  screen.say([styled("dim", `Documents: ${read} read, ${others}`)]);
  for (const failure of failures.slice(0, 5)) {
    if (!isJsonObject(failure)) continue;
    const why = oneLine(screen.redact(text(failure["message"])));
    screen.say([styled("yellow", `  left out ${unbroken(text(failure["path"]))}: ${why}`)], "always");
  }
  if (failures.length > 5) screen.say([styled("yellow", `  and ${failures.length - 5} more`)], "always");
}

/** Names the member of a group that answered, by the report of the call. */
function memberIn(report: JsonValue | undefined): string | undefined {
  if (report === undefined || !isJsonObject(report) || typeof report["group"] !== "string") return undefined;
  const attempts = Array.isArray(report["attempts"]) ? (report["attempts"] as readonly JsonValue[]) : [];
  const last = attempts.at(-1);
  return last !== undefined && isJsonObject(last) ? `${text(last["provider"])}/${text(last["model"])}` : undefined;
}

function messageOf(error: JsonValue | undefined): string {
  return error !== undefined && isJsonObject(error) ? text(error["message"]) : "";
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function number(value: JsonValue | undefined): number {
  return typeof value === "number" ? value : 0;
}
