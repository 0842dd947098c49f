import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAtlas } from "../app/index.ts";
import type { Workflow } from "../runs/index.ts";
import type { CliIo } from "./io.ts";
import { main } from "./main.ts";

// What takes over a terminal: its title, its colours, its eight-bit commands, the direction of its text.
const canary = "\u001B]0;owned\u0007\u001B[31mred\u009B2J\u202Eback\r";
const isUnruly = /[\p{Cc}\u202e]/u;
const secret = "K3y-of-the-house-0123456789";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-screen-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function atlas(argv: readonly string[], isTTY: boolean, colours = false): Promise<Called> {
  let out = "";
  let err = "";
  const output = { isTTY, colours, erasable: isTTY, columns: 80 };
  const io: CliIo = {
    stdout: { ...output, write: (text) => void (out += text) },
    stderr: { ...output, write: (text) => void (err += text) },
    readInput: async () => "",
    canAsk: false,
    environment: { OLLAMA_HOST: "127.0.0.1:9", OPENAI_API_KEY: secret, ATLAS_MODEL: "offline/extractive" },
    directory,
    onSignal: () => ({ [Symbol.dispose]() {} }),
    exit: () => {},
  };
  return { code: await main(argv, io), out, err };
}

/** Leaves a folder in which everything that commands show holds the canary and the secret; gives the ids of its runs. */
async function fill(): Promise<{ readonly interrupted: string; readonly failed: string }> {
  const evil = `${canary} ${secret}`;
  const index = JSON.stringify(new URL("../runs/index.ts", import.meta.url).href);
  const gate = join(directory, "gate");
  const module = join(directory, "flows.ts");
  writeFileSync(
    module,
    `import { existsSync } from "node:fs";
import { workflow } from ${index};
const evil = ${JSON.stringify(evil)};
const fail = async (context, input) => {
  context.emit({ type: "told" + evil, data: { [evil]: evil } });
  await context.step(evil, () => evil);
  if (input.wait && !existsSync(${JSON.stringify(gate)})) await context.waitFor("never");
  throw new Error(evil);
};
export const failing = workflow({ name: "failing", run: fail });
`,
  );
  writeFileSync(join(directory, "atlas.toml"), 'modules = ["flows.ts"]\n');
  mkdirSync(join(directory, "docs"));
  writeFileSync(
    join(directory, "docs", `evil ${canary}.md`),
    `# Halden ${canary}\n\nThe Halden ${canary} kettle is hot.\n`,
  );
  writeFileSync(join(directory, "docs", `broken ${canary}.md`), "\u0000\u0001\u0002binary");
  const { failing } = (await import(module)) as { failing: Workflow<object, unknown> };
  const own = await createAtlas({ directory, environment: {} });
  const start = (wait: boolean) => own.start(failing, { goal: evil, wait });
  const failed = await start(false);
  await failed.result().catch(() => {});
  const interrupted = await start(true);
  for await (const { type } of interrupted.events()) if (type === "signal.awaited") break;
  await own.close();
  writeFileSync(gate, "");
  return { interrupted: interrupted.id, failed: failed.id };
}

const commands = ({ failed, interrupted }: { failed: string; interrupted: string }): readonly (readonly string[])[] => [
  ["run", `What is the Halden ${canary} ${secret} kettle?`, "-k", "docs"],
  ["run", "x", "--agent", `nobody ${canary}`],
  ["run", "x", "--model", `nobody${canary}/x`],
  ["run", "x", "-k", `missing ${canary}`],
  ["ingest", "docs"],
  ["search", "Halden kettle", "-k", "docs"],
  ["runs", "list"],
  ["runs", "list", "--status", canary],
  ["runs", "show", failed],
  ["runs", "show", canary],
  ["runs", "events", failed],
  ["runs", "show", interrupted],
  ["runs", "resume", "--all"],
  ["runs", "show", interrupted],
  ["config", "explain", canary],
  [`no ${canary} command`],
];

test.each([
  ["in words on a terminal", true, []],
  ["as JSON on a terminal", true, ["--json"]],
  ["in words in a pipe", false, []],
  ["as JSON in a pipe", false, ["--json"]],
])("no command lets what it shows steer a terminal or give a key away, %s", async (_, isTTY, options) => {
  const runs = await fill();
  for (const argv of commands(runs)) {
    const { out, err } = await atlas([...argv, ...options], isTTY);
    const shown = `${out}${err}`.replaceAll("\r\u001B[2K", "");
    expect(shown, argv.join(" ")).not.toBe("");
    // An answer that is shown while it is made comes in parts, each of which may hold a part of a key.
    const isLive = isTTY && argv[0] === "run" && options.length === 0;
    if (!isLive) expect(shown, argv.join(" ")).not.toContain(secret);
    expect(shown.replaceAll("\n", ""), argv.join(" ")).not.toMatch(isUnruly);
    if (options.length > 0 && argv[1] !== "events") expect(JSON.parse(out)).toBeTypeOf("object");
  }
});

test("a newline in the name of a file begins no line", async () => {
  mkdirSync(join(directory, "docs"));
  writeFileSync(join(directory, "docs", "a\nok   forged.md"), "# Kettle\n\nThe Halden kettle is hot.\n");
  writeFileSync(join(directory, "docs", "b\nok   forged.md"), "\u0000\u0001\u0002binary");
  for (const argv of [
    ["search", "Halden kettle", "-k", "docs"],
    ["run", "Is the Halden kettle hot?", "-k", "docs"],
    ["ingest", "docs/a\nok   forged.md"],
    ["run", "x", "-k", "a\nok   forged"],
    ["run", "x", "--agent", "a\nok   forged"],
    ["doctor", "--storage", "docs/a\nok   forged.md/x/y.db"],
  ]) {
    const { out, err } = await atlas(argv, false);
    expect(`${out}${err}`, argv.join(" ")).toContain("ok   forged");
    expect(`${out}${err}`, argv.join(" ")).not.toMatch(/^ok {3}forged/m);
  }
  expect((await atlas(["search", "Halden kettle", "-k", "docs"], false)).out).toContain("docs/a\\nok   forged.md:");
});

test("looks are given to harmless text alone", async () => {
  const { failed } = await fill();
  const { out } = await atlas(["runs", "show", failed], true, true);
  expect(out).toContain("\u001B[2mrun      \u001B[22m");
  expect(out.replaceAll("\u001B[2m", "").replaceAll("\u001B[22m", "").replaceAll("\n", "")).not.toMatch(isUnruly);
});

test("an error that holds the beginning of a private key is told as whole JSON", async () => {
  const head = ["-----BEGIN", "PRIVATE", "KEY-----"].join(" ");
  const { code, out } = await atlas(["run", "x", "--agent", head, "--json"], false);
  expect([code, JSON.parse(out)]).toEqual([
    4,
    { error: expect.objectContaining({ code: "agent_unknown" }) as unknown },
  ]);
});
