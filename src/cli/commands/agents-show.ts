import { splitReference } from "../../agents/index.ts";
import type { RegisteredAgent } from "../../agents/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";
import { agentFacts, modelOf } from "./agents-list.ts";

/** Shows all that is known of an agent, and its other versions. Exits with 4 where there is none. */
export async function agentsShow(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const { name, range } = splitReference(args[0] ?? "");
  const listed = atlas.registry.list().filter((each) => each.name === name);
  const isFactory = range === undefined && listed.length > 0 && listed.every(({ kind }) => kind === "factory");
  const agent = isFactory ? undefined : atlas.registry.get(name, range);
  const found = listed.find((each) => (isFactory ? each.kind === "factory" : each.agent === agent));
  // What a function writes for each call of the model is not known here.
  const instructions = typeof agent?.instructions === "string" ? agent.instructions : null;
  const versions = listed.map(({ version }) => version);
  if (screen.json) screen.printJson({ ...(found && agentFacts(found)), instructions, versions });
  else if (found) {
    for (const [what, value] of rowsOf(found, versions))
      screen.print(line`${styled("dim", what.padEnd(13))} ${oneLine(value, 400)}`);
    if (instructions !== null && instructions !== "") screen.print(line`\n${instructions}`);
  }
  return 0;
}

function rowsOf(entry: RegisteredAgent, versions: readonly string[]): readonly (readonly [string, string])[] {
  const { name, version, kind, description, capabilities, requires, permissions, deprecated, source, agent } = entry;
  const strengths = Object.entries(capabilities).map(([each, strength]) => `${each} ${strength}`);
  const ranges = [...Object.entries(requires.agents ?? {}), ...Object.entries(requires.tools ?? {})];
  const needs = [...ranges.map(([each, range]) => `${each} ${range}`), ...(requires.models ?? [])];
  const limits = Object.entries(agent?.limits ?? {}).map(([each, value]) => `${each} ${value}`);
  const rows: readonly (readonly [string, string])[] = [
    ["name", kind === "factory" ? `${name} (factory)` : name],
    ["version", versions.length > 1 ? `${version} (there are ${versions.join(", ")})` : version],
    ["description", description],
    ["capabilities", strengths.join(", ")],
    ["model", modelOf(agent?.model) ?? ""],
    ["tools", agent?.tools.map((each) => `${each.name} ${each.version}`).join(", ") ?? ""],
    ["knowledge", agent?.knowledge.join(", ") ?? ""],
    ["limits", limits.join(", ")],
    ["requires", needs.join(", ")],
    ["permissions", permissions === undefined ? "" : permissions.join(", ") || "none"],
    [
      "deprecated",
      deprecated
        ? [deprecated.since, deprecated.reason, deprecated.use && `use ${deprecated.use}`].filter(Boolean).join("; ") ||
          "yes"
        : "",
    ],
    ["from", source],
  ];
  return rows.filter(([, value]) => value !== "");
}
