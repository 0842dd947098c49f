import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createAtlas, loadSettings } from "../src/app/index.ts";
import { z } from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
const { exports } = z
  .object({ exports: z.record(z.string(), z.union([z.string(), z.object({ "atlas-source": z.string() })])) })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

/** What the samples take for given, with the types that a reader would expect. */
const given = `
import type { Gate, GroupMember, Model, ModelRequest, Passage, Prices, StreamPart, Usage } from "atlas-agents";
import type { EmbedderSubject, MakeSubject } from "atlas-agents/testing";
declare global {
  const a: Model, b: Model, c: Model, model: Model, anyModel: Model;
  const request: ModelRequest, signal: AbortSignal, secret: string, rules: string, usage: Usage, gate: Gate, prices: Prices;
  const members: readonly GroupMember[], passages: readonly Passage[], answer: string;
  const show: (part: StreamPart) => void, lookUp: (city: string, options: object) => { sky: string };
  const charge: (...given: readonly unknown[]) => Promise<string>, send: typeof charge, transfer: typeof charge, mySubject: MakeSubject<EmbedderSubject, never>;
}
`;
/** A package that a sample names and that is not installed here. */
const google = `declare module "@ai-sdk/google" {
  export function google(name: string): import("@ai-sdk/provider").LanguageModelV3;
}
`;

interface Sample {
  readonly page: string;
  readonly text: string;
}

/** Gives the fenced samples of one language, in all pages. */
function samplesOf(language: string): readonly Sample[] {
  const fence = new RegExp(`^${"`".repeat(3)}${language}\\n([^]*?)^${"`".repeat(3)}`, "gm");
  return ["README.md", ...globSync("docs/**/*.md", { cwd: root })].flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(fence)].map(([, text = ""]) => ({ page, text })),
  );
}

it.each(samplesOf("toml").map((each, index) => [`${each.page} (${index + 1})`, each] as const))(
  "the settings of %s are right, and the providers and groups in them can be made",
  async (_, { text }) => {
    const directory = mkdtempSync(join(tmpdir(), "atlas-sample-settings-"));
    writeFileSync(join(directory, "atlas.toml"), text.replace(/^modules = .*$/m, "").replace(/^tools = .*$/gm, ""));
    const environment = {
      XDG_CONFIG_HOME: directory,
      HOME: directory,
      ANTHROPIC_API_KEY: "k",
      VLLM_API_KEY: "k",
      TEAM_KEY: "k",
      CLIENT_SECRET: "k",
    };
    const settings = await loadSettings({ directory, environment });
    expect(settings.warnings).toEqual([]);
    await using atlas = await createAtlas({ settings });
    const { providers, groups } = settings.values;
    for (const name of Object.keys(providers)) await atlas.models.providers.get(name);
    for (const name of Object.keys(groups)) await atlas.models.get(`group:${name}`);
    await atlas.models.prices();
    rmSync(directory, { recursive: true, force: true });
  },
);

it("every sample of the README and the docs compiles as a reader would take it", () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-samples-"));
  const samples = samplesOf("ts");
  samples.forEach(({ page, text }, index) => {
    writeFileSync(join(folder, `${page.replaceAll(/\W/g, "-")}-${index + 1}.ts`), `${text}\nexport {};\n`);
  });
  const paths = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === "string" ? [] : [[`atlas-agents${path.slice(1)}`, [join(root, target["atlas-source"])]]],
  );
  writeFileSync(join(folder, "given.d.ts"), given);
  writeFileSync(join(folder, "google.d.ts"), google);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        module: "esnext",
        moduleResolution: "bundler",
        rewriteRelativeImportExtensions: false,
        typeRoots: [join(root, "node_modules/@types")],
        paths: Object.fromEntries([
          ...paths,
          ["*", [join(root, "node_modules/@types/*"), join(root, "node_modules/*")]],
        ]) as unknown,
      },
      include: ["*.ts"],
    }),
  );
  const { stdout, status } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  rmSync(folder, { recursive: true, force: true });
  expect(samples.length).toBeGreaterThan(20);
  expect([status, stdout]).toEqual([0, ""]);
});
