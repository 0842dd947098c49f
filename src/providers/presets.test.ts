import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { detectProviders } from "./detect.ts";
import { readEndpoint } from "./transport/endpoint.ts";
import { providerPresets } from "./presets.ts";

const presets = Object.entries(providerPresets);

describe("the presets", () => {
  it.each(presets)(
    "%s has an address that can be called, with its version where its format wants one",
    (name, preset) => {
      const { origin, pathPrefix, query } = readEndpoint(name, preset.baseUrl);
      expect(query).toBe("");
      expect(pathPrefix.endsWith("/v1")).toBe(preset.wire === "openai-chat");
      const isLocal = origin.startsWith("http://127.0.0.1:");
      // A key goes over TLS; a server of this machine has none and costs nothing.
      expect(isLocal || origin.startsWith("https://")).toBe(true);
      expect(preset.keyVariable === null).toBe(isLocal);
      expect(preset.capabilities?.cost === "free").toBe(isLocal);
    },
  );

  it("are the table of docs/providers/compatible.md", async () => {
    const page = await readFile(new URL("../../docs/providers/compatible.md", import.meta.url), "utf8");
    const rows = page.split("\n").filter((line) => /^\| `\w+` +\| (`[A-Z_]+`|none) /.test(line));
    const cells = rows.map((row) =>
      row
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", ""))
        .slice(1, -1),
    );
    const compatible = presets.filter(([name, { wire }]) => wire === "openai-chat" && name !== "openai");
    expect(cells).toEqual(
      compatible.map(([name, { keyVariable, baseUrl, defaultModel }]) => [
        name,
        keyVariable ?? "none",
        baseUrl,
        defaultModel ?? "name one",
      ]),
    );
  });

  it("share no variable", () => {
    const variables = presets.flatMap(([, { keyVariable, baseUrlVariable }]) => [keyVariable, baseUrlVariable]);
    const named = variables.filter((each) => typeof each === "string");
    expect(named).toEqual([...new Set(named)]);
  });

  it("of this machine are not looked for unless they are configured", async () => {
    const { candidates } = await detectProviders({ variables: {} });
    const names = candidates.map(({ provider }) => provider);
    expect(names.slice(0, 2)).toEqual(["anthropic", "openai"]);
    expect(names).toEqual(expect.arrayContaining(["xai", "together", "fireworks", "offline"]));
    expect(names).not.toEqual(expect.arrayContaining(["vllm"]));
    expect(names).not.toEqual(expect.arrayContaining(["lmstudio"]));
    expect(names).not.toEqual(expect.arrayContaining(["llamacpp"]));
  });
});
