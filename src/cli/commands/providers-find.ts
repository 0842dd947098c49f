import type { ModelMatch, ModelQuery } from "../../providers/index.ts";
import { taskKinds } from "../../providers/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas providers find`. */
export interface FindOptions {
  readonly task?: string;
  readonly needs?: readonly string[];
  readonly context?: number;
  readonly prefer?: string;
}

const preferences = ["strength", "cost", "balance"] as const;
const abilities = ["tools", "structured-output", "reasoning", "prefill", "images", "pdf", "audio"] as const;
const fileTypes: Readonly<Record<string, string>> = { images: "image/png", pdf: "application/pdf", audio: "audio/wav" };

/** Finds the models that can do something, the best first. */
export async function providersFind(call: Call<FindOptions>): Promise<number> {
  const { screen, interrupt } = call;
  const query = readQuery(call.options);
  await using atlas = await openAtlas(call);
  const { matches, rejected } = await atlas.models.query(query, interrupt.signal);
  if (screen.json) screen.printJson({ matches, rejected });
  else {
    for (const match of matches) show(match, call);
    for (const { model, reason } of rejected)
      screen.print(line`${styled("dim", `-- ${oneLine(model, 60)}: ${oneLine(reason)}`)}`);
    if (matches.some(({ strengths }) => strengths?.basis === "estimated")) {
      screen.say("Estimated strengths come from public facts; measure your own with: atlas bench providers");
    }
  }
  return matches.length === 0 ? 4 : 0;
}

function readQuery({ task, needs = [], context, prefer }: FindOptions): ModelQuery {
  const wanted = needs.flatMap((each) => each.split(",")).map((each) => each.trim());
  for (const each of wanted) requireOneOf("--needs", each, abilities);
  if (task !== undefined) requireOneOf("--task", task, taskKinds);
  const preference = preferences.find((each) => each === (prefer ?? "strength"));
  if (preference === undefined) requireOneOf("--prefer", prefer ?? "", preferences);
  const files = wanted.flatMap((each) => fileTypes[each] ?? []);
  return {
    needs: {
      task,
      tools: wanted.includes("tools"),
      structuredOutput: wanted.includes("structured-output"),
      reasoning: wanted.includes("reasoning"),
      prefill: wanted.includes("prefill"),
      files,
      contextTokens: context,
    },
    prefer: preference,
  };
}

function requireOneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw cliErrors.create("usage", `${option} ${JSON.stringify(value)}: use one of ${known.join(", ")}.`);
}

function show({ model, score, reason }: ModelMatch, { screen }: Call): void {
  screen.print(line`${styled("green", score.toFixed(2))} ${styled("bold", oneLine(model, 60))}: ${oneLine(reason)}`);
}
