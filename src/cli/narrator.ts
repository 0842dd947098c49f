import { isJsonObject } from "../base/index.ts";
import type { JsonObject, JsonValue } from "../base/index.ts";
import type { RunEvent } from "../runs/index.ts";
import { harmless, oneLine } from "./harmless.ts";
import type { Screen } from "./screen.ts";

/** Tells a person what a run does, event by event. */
export interface Narrator {
  tell(event: RunEvent): void;
  /** The text that was streamed to stdout. */
  readonly streamed: string;
}

/** Makes a narrator: progress and tool calls to stderr, tokens live to stdout when that is a terminal. */
export function createNarrator(screen: Screen): Narrator {
  let streamed = "";
  let begun = "";
  let ingested: JsonObject[] = [];
  const dim = (text: string): void => screen.say(screen.style("dim", text));
  const tellers: Readonly<Record<string, (data: JsonObject) => void>> = {
    "knowledge.progressed": (data) =>
      screen.progress(`Reading documents: ${number(data["filesDone"])} of ${number(data["filesTotal"])} files`),
    "knowledge.ingested": (data) => void ingested.push(data),
    "agent.started": (data) => {
      // A run that was taken up has begun more than once.
      const line = harmless(`${text(data["agent"])} · ${text(data["model"])}`);
      if (line !== begun) dim(line);
      begun = line;
    },
    "model.started": () => screen.progress("Thinking …"),
    "text.delta": (data) => {
      if (!screen.live) return;
      screen.stream(text(data["text"]));
      streamed += text(data["text"]);
    },
    "tool.started": (data) =>
      dim(`→ ${oneLine(text(data["name"]), 40)} ${oneLine(JSON.stringify(data["input"] ?? {}), 100)}`),
    "tool.completed": (data) => dim(`  ${oneLine(text(data["name"]), 40)} took ${number(data["durationMs"])} ms`),
    "tool.failed": (data) => {
      const error = data["error"];
      screen.say(
        screen.style(
          "yellow",
          `  ${oneLine(text(data["name"]), 40)} failed: ${isJsonObject(error ?? null) ? oneLine(messageOf(error)) : ""}`,
        ),
      );
    },
  };
  return {
    tell(event) {
      const teller = tellers[event.type];
      if (ingested.length > 0 && !event.type.startsWith("knowledge.")) {
        tellIngest(ingested, screen);
        ingested = [];
      }
      if (teller !== undefined && isJsonObject(event.data)) teller(event.data);
    },
    get streamed() {
      return streamed;
    },
  };
}

/** Says what the ingests of some paths did together, and which files were left out. */
export function tellIngest(reports: readonly JsonObject[], screen: Screen): void {
  screen.progress("");
  const count = (name: string): number =>
    reports.reduce((sum, { files = null }) => sum + (isJsonObject(files) ? number(files[name]) : 0), 0);
  const failures = reports.flatMap(({ failures: each }) => (Array.isArray(each) ? (each as readonly JsonValue[]) : []));
  const read = count("added") + count("changed");
  screen.say(
    screen.style(
      "dim",
      `Documents: ${read} read, ${count("unchanged")} unchanged, ${count("removed")} gone, ${count("skipped")} skipped`,
    ),
  );
  for (const failure of failures.slice(0, 5)) {
    if (isJsonObject(failure))
      screen.say(
        screen.style("yellow", `  left out ${harmless(text(failure["path"]))}: ${oneLine(text(failure["message"]))}`),
        "always",
      );
  }
  if (failures.length > 5) screen.say(screen.style("yellow", `  and ${failures.length - 5} more`), "always");
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
