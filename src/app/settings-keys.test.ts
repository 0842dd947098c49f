import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";
import { wellKnownVariables } from "./settings-environment.ts";
import { findKey, namesUnder, settingKeys, variableOf } from "./settings-keys.ts";

const page = new URL("../../docs/configuration.md", import.meta.url);

function withSection(text: string, name: string, lines: readonly string[]): string {
  return text.replace(
    new RegExp(`<!-- ${name} -->[^]*<!-- /${name} -->`),
    () => `<!-- ${name} -->\n\n${lines.join("\n")}\n\n<!-- /${name} -->`,
  );
}

/** Takes out what the formatter adds to align tables. */
function squeezed(text: string): string {
  return text.replaceAll(/-{3,}/g, "---").replaceAll(/\s/g, "");
}

// Run with UPDATE_DOCS=1 to write the page anew.
test("docs/configuration.md lists every setting and every variable", () => {
  const before = readFileSync(page, "utf8");
  const rows = settingKeys.map(({ key, initial, doc, choices }) => {
    const standard = initial === undefined ? "" : `\`${JSON.stringify(initial)}\``;
    const among = choices === undefined ? "" : ` One of ${choices.map((choice) => `\`${choice}\``).join(", ")}.`;
    return `| \`${key.replace("*", "NAME")}\` | ${standard} | ${doc}${among} |`;
  });
  const variables = Object.entries(wellKnownVariables).map(([name, key]) => `| \`${name}\` | \`${key}\` |`);
  const settings = ["| setting | default | meaning |", "|---|---|---|", ...rows];
  const after = withSection(withSection(before, "settings", settings), "variables", [
    "| variable | setting |",
    "|---|---|",
    ...variables,
  ]);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, after);
  expect(squeezed(readFileSync(page, "utf8"))).toBe(squeezed(after));
});

test("finds a setting by its full key alone", () => {
  expect(findKey("agents.guide.model")?.key).toBe("agents.*.model");
  expect(findKey("agents.guide")).toBeUndefined();
  expect(findKey("constructor")).toBeUndefined();
  expect(namesUnder(["limits"])).toEqual(["maxSteps", "maxTokens", "maxCostUsd", "timeoutMs"]);
});

test("gives every setting a variable of its own", () => {
  const names = settingKeys.map(({ key }) => variableOf(key));
  expect(new Set(names).size).toBe(names.length);
  expect(variableOf("providers.my-gate.timeouts.connectMs")).toBe("ATLAS_PROVIDERS_MY_GATE_TIMEOUTS_CONNECT_MS");
});

test.each([
  ["modle", "model"],
  ["max-steps", "maxSteps"],
  ["LOGG", "log"],
  ["zebra", undefined],
  ["", undefined],
])("takes %j for %j", (word, meant) => {
  expect(nearest(word, ["model", "maxSteps", "log", "storage"])).toBe(meant);
});
