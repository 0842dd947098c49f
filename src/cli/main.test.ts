import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeIo } from "../../test/lib/fake-io.ts";
import type { FakeIo, FakeIoOptions } from "../../test/lib/fake-io.ts";
import { main } from "./main.ts";

// Matchers whose type is unknown, where vitest says any.
const aNumber: unknown = expect.any(Number);
const aText: unknown = expect.any(String);
const containing = (text: string): unknown => expect.stringContaining(text);

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-cli-"));
  write(
    "docs/brewing.md",
    "# Brewing\n\nThe Halden kettle brews tea at 82 degrees.\n\n## Care\n\nRinse the Halden kettle with vinegar every month.\n",
  );
  write("docs/garden.md", "# Garden\n\nTomatoes need six hours of sun a day.\n");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

interface Called {
  readonly code: number;
  readonly io: FakeIo;
  readonly out: string;
  readonly err: string;
}

async function atlas(argv: readonly string[], options: Partial<FakeIoOptions> = {}): Promise<Called> {
  // Nothing answers at this address, so that the model is the offline one on every machine.
  const environment = { OLLAMA_HOST: "127.0.0.1:9", ...options.environment };
  const io = fakeIo({ directory, ...options, environment });
  const code = await main(argv, io);
  return { code, io, out: io.out(), err: io.err() };
}

const question = "At how many degrees does the Halden kettle brew tea?";
const ask = ["run", question, "--knowledge", "docs"] as const;

test("shows help on stdout, without a command and for each of them", async () => {
  const { code, out, err } = await atlas([]);
  expect([code, err]).toEqual([0, ""]);
  for (const name of ["run", "ingest", "search", "runs", "providers", "config", "doctor", "demo"]) {
    expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
    const help = await atlas([name, "--help"]);
    expect([help.code, help.err]).toEqual([0, ""]);
    expect(help.out).toContain(`Usage: atlas ${name}`);
  }
});

test("prints the version of the package", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await atlas(["--version"])).toMatchObject({ code: 0, out: `${version}\n` });
});

test.each([
  [["rnu"], "Did you mean run?"],
  [["run", "x", "--jsno"], "Did you mean --json?"],
  [["runs"], "atlas runs needs one of: list, show, events, cancel, resume"],
  [["runs", "lst"], "Did you mean list?"],
  [["ingest"], "path"],
  [["run", "x", "--max-steps", "many"], "whole number"],
  [["runs", "resume"], "--all"],
  [["runs", "list", "--limit", "-1"], "See: atlas runs list --help"],
  [
    ["runs", "--json-lines"],
    "one of: list, show, events, cancel, resume, pause, steer, signal, fork, decide. See: atlas runs --help",
  ],
  [["search", " ", "-k", "docs"], "atlas search --help"],
])("refuses %j with exit code 2 and says what to do", async (argv, message) => {
  const { code, out, err } = await atlas(argv);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(message);
});

test("tells of errors on stdout as JSON when that was asked for", async () => {
  const { code, out, err } = await atlas(["rnu", "--json"]);
  expect(code).toBe(2);
  expect(err).toBe("");
  expect(JSON.parse(out)).toMatchObject({ error: { code: "usage" } });
});

test("answers from documents with citations that stand in the files", async () => {
  const { code, out } = await atlas([...ask, "--json"]);
  expect(code).toBe(0);
  const answer = JSON.parse(out) as {
    citations: { source: string; startLine: number; endLine: number; quote: string }[];
  };
  expect(answer).toMatchObject({
    status: "completed",
    model: "offline/extractive",
    costMicroUsd: 0,
    output: containing("82 degrees"),
  });
  expect(answer).toMatchObject({
    runId: containing("run_"),
    durationMs: aNumber,
    usage: { inputTokens: aNumber, outputTokens: aNumber },
  });
  expect(answer.citations).not.toHaveLength(0);
  for (const { source, startLine, endLine, quote } of answer.citations) {
    expect(
      readFileSync(source, "utf8")
        .split("\n")
        .slice(startLine - 1, endLine)
        .join(" "),
    ).toContain(quote);
  }
});

test("writes the answer to stdout and the talk to stderr", async () => {
  const { code, out, err } = await atlas(ask);
  expect(code).toBe(0);
  expect(out).toContain("82 degrees");
  expect(err).toContain("docs/brewing.md:3");
  expect(err).toMatch(/offline\/extractive · \d+ \+ \d+ tokens · free · .* · run_/);
  expect(`${out}${err}`).not.toContain("\u001B");
});

test("says nothing but the answer with --quiet", async () => {
  const { out, err } = await atlas([...ask, "--quiet"]);
  expect(out).toContain("82 degrees");
  expect(err).toBe("");
});

test("shows tokens live and in colour on a terminal, once, and no colour where none is wanted", async () => {
  const { out, err } = await atlas(ask, { isTTY: true });
  expect(out.split("82 degrees")).toHaveLength(2);
  expect(err).toContain("\u001B[2m");
  const plain = await atlas(ask, { isTTY: true, colours: false });
  expect(plain.err.replaceAll("\u001B[2K", "")).not.toContain("\u001B");
});

test("writes no escape codes to a terminal that obeys none", async () => {
  const { out, err } = await atlas(ask, { isTTY: true, colours: false, erasable: false });
  expect(out).toContain("82 degrees");
  expect(`${out}${err}`).not.toContain("\u001B");
});

test("names a group of commands when an option was given to it alone", async () => {
  const { code, out } = await atlas(["config", "--json"]);
  expect([code, JSON.parse(out)]).toMatchObject([
    2,
    { error: { message: containing("atlas config needs one of: explain. See: atlas config --help") } },
  ]);
});

test.each([[["ingest", "docs"]], [ask]])("tells by %j of a file that is left out once", async (argv) => {
  write("docs/long.md", `# Long\n\n${"word ".repeat(100)}\n`);
  const { err } = await atlas(argv, { environment: { ATLAS_KNOWLEDGE_MAX_FILE_BYTES: "400" } });
  expect(err.match(/long\.md has 509 bytes/g)).toHaveLength(1);
});

test("makes control characters in documents harmless on a terminal", async () => {
  write("docs/evil.md", "# Evil\n\nThe Zorbo lamp \u001B]0;owned\u0007 glows at 42 lumen.\n");
  const { out, err } = await atlas(["run", "At how many lumen does the Zorbo lamp glow?", "-k", "docs"], {
    isTTY: true,
  });
  expect(out).toContain("lumen");
  expect(`${out}${err}`).not.toContain("\u001B]0");
});

test("reads the goal from the standard input", async () => {
  const { code, out } = await atlas(["run", "-", "-k", "docs"], { input: `${question}\n` });
  expect([code, out.includes("82 degrees")]).toEqual([0, true]);
});

test.each([
  [["run", "--json"], "goal_empty", 2],
  [["run", "  ", "--json"], "goal_empty", 2],
  [["run", "x", "--thread", " ", "--json"], "invalid_input", 2],
  [["run", "-", "--json"], "goal_empty", 2],
  [["run", "x", "--agent", "asistant", "--json"], "agent_unknown", 4],
  [["run", "x", "--model", "nope/x", "--json"], "provider_unknown", 2],
  [["run", "x", "-k", "missing", "--json"], "knowledge_source_missing", 4],
  [["search", "x", "-k", "missing", "--json"], "knowledge_source_missing", 4],
  [["runs", "show", "run_missing", "--json"], "run_not_found", 4],
  [["runs", "list", "--status", "done", "--json"], "invalid_input", 2],
  [["config", "explain", "modle", "--json"], "setting_unknown", 4],
  [["run", "x", "--profile", "staging", "--json"], "settings_invalid", 2],
  [["demo", "--knowledge", "missing", "--json"], "knowledge_source_missing", 4],
])("fails %j with %s and exit code %i", async (argv, name, exitCode) => {
  const { code, out } = await atlas(argv);
  expect(JSON.parse(out)).toMatchObject({ error: { code: name, message: aText, fix: aText } });
  expect(code).toBe(exitCode);
});

test("searches documents and what was ingested before", async () => {
  const { out } = await atlas(["search", "halden vinegar", "--knowledge", "docs", "--json", "--limit", "1"]);
  const { hits } = JSON.parse(out) as { hits: readonly object[] };
  expect(hits).toHaveLength(1);
  expect(hits[0]).toMatchObject({
    source: join(directory, "docs/brewing.md"),
    startLine: aNumber,
    endLine: 7,
    score: aNumber,
    text: containing("vinegar"),
  });
  const ingested = await atlas(["ingest", "docs", "--json"]);
  expect(JSON.parse(ingested.out)).toMatchObject({ reports: [{ files: { unchanged: 2 }, chunksWritten: 0 }] });
  const plain = await atlas(["search", "tomatoes"]);
  expect(plain.out).toContain("docs/garden.md:");
});

test("lists, shows and prints the log of runs", async () => {
  const { runId } = JSON.parse((await atlas([...ask, "--json"])).out) as { runId: string };
  expect((await atlas(["runs", "list"])).out).toMatch(new RegExp(`^${runId} .*completed.*Halden`, "m"));
  expect(JSON.parse((await atlas(["runs", "list", "--json", "--status", "failed"])).out)).toEqual({ runs: [] });
  expect(JSON.parse((await atlas(["runs", "show", runId, "--json"])).out)).toMatchObject({
    id: runId,
    status: "completed",
  });
  expect((await atlas(["runs", "show", runId])).out).toContain("agent:assistant");
  const lines = (await atlas(["runs", "events", runId, "--json", "--follow"])).out.trim().split("\n");
  const events = lines.map((line) => JSON.parse(line) as { seq: number; type: string });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(-1)?.type).toBe("run.completed");
  expect(
    (await atlas(["runs", "events", runId, "--after", String(events.length - 1)])).out.trim().split("\n"),
  ).toHaveLength(1);
  expect((await atlas(["runs", "cancel", runId])).err).toContain("had ended before");
  expect(await atlas(["runs", "resume", runId, "--json"])).toMatchObject({ code: 5 });
  expect((await atlas(["runs", "resume", "--all"])).err).toContain("No run is interrupted");
});

/** Writes a module with an agent whose tool waits for a file, and calls back when the tool has begun. */
function slowAgent(): string {
  const gate = join(directory, "gate");
  const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  write(
    "slow.ts",
    `import { existsSync } from "node:fs";
import { z } from ${source("../../node_modules/zod/index.js")};
import { agent } from ${source("../agents/index.ts")};
import { tool } from ${source("../tools/index.ts")};
import { scripted } from ${source("../providers/index.ts")};
const wait = tool({ name: "wait", input: z.object({}), run: async (_, { signal }) => {
  if (existsSync(${JSON.stringify(gate)})) return "done";
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
} });
const model = scripted([{ toolCalls: [{ name: "wait", input: {} }] }, { text: "The wait is over." }]);
export const slow = agent({ name: "slow", model, tools: [wait] });
`,
  );
  write("atlas.toml", 'modules = ["slow.ts"]\n');
  return gate;
}

test("keeps an interrupted run, says how to take it up, and takes it up when the same command comes again", async () => {
  const gate = slowAgent();
  const argv = ["run", "Wait for it", "--agent", "slow"];
  const io: FakeIo = fakeIo({
    directory,
    environment: { OLLAMA_HOST: "127.0.0.1:9" },
    onTalk: (text) => {
      if (text.includes("→ wait")) io.press("SIGINT");
    },
  });
  expect(await main(argv, io)).toBe(130);
  const [runId] = /run_[a-z0-9]+/.exec(io.err().slice(io.err().indexOf("resume"))) ?? [];
  expect(io.err()).toContain(`atlas runs resume ${runId}`);
  expect(JSON.parse((await atlas(["runs", "list", "--status", "interrupted", "--json"])).out)).toMatchObject({
    runs: [{ id: runId, interrupted: true }],
  });
  expect((await atlas(["run", question, "-k", "docs"])).err).toContain("1 interrupted run is waiting");
  writeFileSync(gate, "");
  const again = await atlas(argv);
  expect(again.err).toContain(`Resuming ${runId}`);
  expect([again.code, again.out]).toEqual([0, "The wait is over.\n"]);
});

test("ends at once at the second signal", async () => {
  slowAgent();
  const io: FakeIo = fakeIo({
    directory,
    onTalk: (text) => {
      if (!text.includes("→ wait")) return;
      io.press("SIGTERM");
      io.press("SIGINT");
    },
  });
  expect(await main(["run", "Wait", "--agent", "slow", "--new"], io)).toBe(143);
  expect(io.exits).toEqual([130]);
});

test("resumes by id, and says nothing when nobody reads any more", async () => {
  const gate = slowAgent();
  const io: FakeIo = fakeIo({ directory, onTalk: (text) => void (text.includes("→ wait") && io.press("SIGPIPE")) });
  expect(await main(["run", "Wait", "--agent", "slow"], io)).toBe(0);
  const { runs } = JSON.parse((await atlas(["runs", "list", "--json"])).out) as { runs: { id: string }[] };
  writeFileSync(gate, "");
  const resumed = await atlas(["runs", "resume", runs[0]?.id ?? "", "--json"]);
  expect(JSON.parse(resumed.out)).toMatchObject({
    runId: runs[0]?.id,
    status: "completed",
    output: "The wait is over.",
  });
});

test("resumes all that was interrupted", async () => {
  const gate = slowAgent();
  for (const goal of ["Wait once", "Wait twice"]) {
    const io: FakeIo = fakeIo({ directory, onTalk: (text) => void (text.includes("→ wait") && io.press("SIGINT")) });
    const code = await main(["run", goal, "--agent", "slow", "--json"], { ...io, stderr: { ...io.stderr } });
    expect(code).toBe(130);
    expect(JSON.parse(io.out())).toMatchObject({ status: "interrupted", error: { code: "run_interrupted" } });
  }
  expect((await atlas(["doctor"])).out).toMatch(/warn runs .*2 interrupted/);
  writeFileSync(gate, "");
  const { code, out, err } = await atlas(["runs", "resume", "--all"]);
  expect(err).toContain("Resuming 2 runs");
  expect([code, out.match(/completed/g)]).toEqual([0, ["completed", "completed"]]);
});

test("tells in words what an ingest did and which files it left out", async () => {
  write("docs/picture.md", "\u0000\u0001\u0002binary");
  const { out, err } = await atlas(["ingest", "docs"]);
  expect(out).toMatch(/^docs: \d+ passages written from .* in /m);
  expect(err).toMatch(/Documents: \d read/);
});

test("tells of every path of an ingest by its own name, also when one was named twice", async () => {
  const { out } = await atlas(["ingest", "docs/garden.md", "./docs/garden.md", "docs/brewing.md"]);
  expect(out.match(/^.+(?=: \d+ passages? written)/gm)).toEqual(["docs/garden.md", "docs/brewing.md"]);
});

test("shows why a run failed and how it can be found again", async () => {
  const failed = await atlas(["run", "x", "-k", "missing"]);
  expect(failed.err).toMatch(/Error \(run_\w+\): There is no file or folder/);
  const [id = ""] = /run_\w+/.exec(failed.err) ?? [];
  expect((await atlas(["runs", "show", id])).out).toContain("knowledge_source_missing");
});

test("explains settings with their origin and never a key", async () => {
  write("atlas.toml", 'model = "offline/extractive"\n[providers.openai]\napiKey = "${OPENAI_API_KEY}"\n');
  const options = { environment: { OPENAI_API_KEY: "sk-extremely-secret-0123456789" } };
  const one = await atlas(["config", "explain", "model"], options);
  expect(one.out).toContain('"offline/extractive"  (atlas.toml:1)');
  expect(one.out).toContain('overrides "auto" (default)');
  for (const argv of [
    ["config", "explain"],
    ["config", "explain", "--json"],
    ["providers", "--json"],
    ["doctor", "--json"],
  ]) {
    const { out, err } = await atlas(argv, options);
    expect(`${out}${err}`).not.toContain("extremely-secret");
  }
});

test("says which providers can be used and why", async () => {
  const { code, out } = await atlas(["providers", "--check", "--json"]);
  expect(code).toBe(0);
  const found = JSON.parse(out) as {
    used: string;
    candidates: { provider: string; usable: boolean; check?: object }[];
  };
  expect(found.used).toBe("offline/extractive");
  expect(found.candidates.find(({ provider }) => provider === "offline")).toMatchObject({
    usable: true,
    check: { ok: true, models: 1 },
  });
  expect((await atlas(["providers"])).out).toContain("OPENAI_API_KEY is not set");
});

test("finds by doctor what is wrong and what to do", async () => {
  const well = await atlas(["doctor", "--json"]);
  expect(JSON.parse(well.out)).toMatchObject({ ok: true });
  expect(well.code).toBe(0);
  write("atlas.toml", "modle = 'x/y'\n");
  const typo = await atlas(["doctor"]);
  expect(typo.code).toBe(1);
  expect(typo.out).toMatch(/fail settings .*did you mean model/);
  write("atlas.toml", "[knowledge]\npaths = ['nowhere']\n");
  expect((await atlas(["doctor"])).out).toMatch(/fail knowledge/);
  write("atlas.toml", "storage = 'docs/brewing.md/x.db'\n");
  expect((await atlas(["doctor"])).out).toMatch(/fail storage/);
});

test("demonstrates itself on the README files of the installed packages", async () => {
  write("package.json", '{ "dependencies": { "kettle": "1" } }');
  write("node_modules/kettle/README.md", readFileSync(join(directory, "docs/brewing.md"), "utf8"));
  write("node_modules/other/readme.md", "# Other\n\nOther is a package that sorts stamps.\n");
  const { code, out } = await atlas(["demo", "--json"]);
  expect(code).toBe(0);
  const { answers } = JSON.parse(out) as {
    answers: { question: string; citations: object[]; verifiedCitations: number; metadata: object }[];
  };
  expect(answers).toHaveLength(3);
  for (const { citations, verifiedCitations } of answers) expect(verifiedCitations).toBe(citations.length);
  expect(answers[0]?.citations).not.toHaveLength(0);
  expect(answers[2]).toMatchObject({ citations: [], metadata: { answered: false } });
  const own = await atlas(["demo", question]);
  expect(own.out).toContain("82 degrees");
  expect(own.err).toContain("Try next");
});

test("keeps the database where it is told to", async () => {
  await atlas([...ask, "--storage", "elsewhere/my.db"]);
  expect([existsSync(join(directory, "elsewhere/my.db")), existsSync(join(directory, ".atlas"))]).toEqual([
    true,
    false,
  ]);
});
