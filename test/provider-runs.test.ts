import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { contractText } from "../src/testing/model-contract.ts";
import { wireFormats } from "../src/testing/wire-formats.ts";
import { type WireRequest, type WireServer, wireServer } from "../src/testing/wire-server.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const format = wireFormats["openai-chat"];
let directory: string;
let server: WireServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atlas-provider-runs-"));
  server = await wireServer();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Starts the command in a process of its own, against the server. */
function atlas(...argv: readonly string[]) {
  const child = spawn(process.execPath, [main, ...argv], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      OPENAI_API_KEY: "sk-canary-1234567890",
      OPENAI_BASE_URL: `${server.url}/v1`,
      OLLAMA_HOST: "127.0.0.1:9",
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return { child, ended };
}

/** Reads a text as JSON of the form that the test expects. */
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

const containing = (text: string): unknown => expect.stringContaining(text);
const modelOf = (request: WireRequest): unknown => json(request.body)["model"];
const prices = '[providers.openai.prices]\n"priced" = { inputPerMillion = 10, outputPerMillion = 100 }\n';

it("a run streams from the endpoint that OPENAI_BASE_URL names", async () => {
  server.answer(format.answer("text"));
  const { code, out } = await atlas("run", "Why does bread rise?", "--model", "openai/test", "--json").ended;
  expect(code).toBe(0);
  expect(json(out)).toMatchObject({ output: contractText, model: "openai/test", status: "completed" });
  expect(server.requests[0]?.path).toBe("/v1/chat/completions");
});

it.each(["stalled", "silent"] as const)(
  "Ctrl-C closes the connection at once when the answer is %s (acceptance 4)",
  async (scenario) => {
    let asked = (): void => {};
    const reached = new Promise<void>((resolve) => (asked = resolve));
    server.answer(() => {
      setImmediate(asked);
      return format.answer(scenario);
    });
    const { child, ended } = atlas("run", "Why does bread rise?", "--model", "openai/test");
    await reached;
    const pressed = performance.now();
    child.kill("SIGINT");
    await server.idle();
    const closedMs = performance.now() - pressed;
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(closedMs).toBeLessThan(1_000);
    expect(err).toContain("atlas runs resume");
  },
);

it("a group falls over in mid-stream, says so, and tells of both attempts (acceptance 21)", async () => {
  writeFileSync(join(directory, "atlas.toml"), `[groups.pair]\nmembers = ["openai/breaks", "openai/works"]\n${prices}`);
  server.answer((request) => format.answer(modelOf(request) === "breaks" ? "truncated" : "text"));
  const { code, out, err } = await atlas("run", "Why does bread rise?", "--model", "group:pair").ended;
  expect([code, err]).toEqual([0, expect.stringContaining("openai/breaks broke off; openai/works begins anew:")]);
  expect(out).toContain(contractText);
  const [{ id }] = json((await atlas("runs", "list", "--json").ended).out)["runs"] as [{ id: string }];
  const events = (await atlas("runs", "events", id, "--json").ended).out.trim().split("\n").map(json);
  const types = events.map(({ type }) => type);
  expect(types).toContain("attempt.failed");
  expect(types).toContain("answer.restarted");
  const completed = events.find(({ type }) => type === "model.completed")?.["data"];
  expect(completed).toMatchObject({
    report: {
      group: "pair",
      attempts: [
        { model: "breaks", outcome: "failed", code: "stream_interrupted" },
        { model: "works", outcome: "finished" },
      ],
      seams: [{ kind: "restarted", from: "openai/breaks", to: "openai/works" }],
    },
  });
});

it("a run tells what it cost by the prices of the settings", async () => {
  writeFileSync(join(directory, "atlas.toml"), prices);
  server.answer(format.answer("text"));
  const { out } = await atlas("run", "Why does bread rise?", "--model", "openai/priced", "--json").ended;
  const { usage, costMicroUsd } = json(out) as {
    usage: { inputTokens: number; outputTokens: number };
    costMicroUsd: number;
  };
  expect(costMicroUsd).toBe(Math.round(usage.inputTokens * 10 + usage.outputTokens * 100));
});

it("a run that may cost nothing is refused before anything is sent (acceptance 15)", async () => {
  writeFileSync(join(directory, "atlas.toml"), prices);
  server.answer(format.answer("text"));
  const { code, err } = await atlas("run", "Hello", "--model", "openai/priced", "--max-cost", "0.000001").ended;
  expect([code, server.requests.length]).toEqual([6, 0]);
  expect(err).toContain("budget");
});

it("a run that was interrupted is not taken up with more to spend than the command now allows (acceptance 15)", async () => {
  writeFileSync(join(directory, "atlas.toml"), prices);
  let asked = (): void => {};
  const reached = new Promise<void>((resolve) => (asked = resolve));
  server.answer(() => {
    setImmediate(asked);
    return format.answer("stalled");
  });
  const first = atlas("run", "Why?", "--model", "openai/priced", "--max-cost", "5");
  await reached;
  first.child.kill("SIGINT");
  expect((await first.ended).code).toBe(130);
  server.answer(format.answer("text"));
  const second = await atlas("run", "Why?", "--model", "openai/priced", "--max-cost", "0.000001").ended;
  expect([second.code, server.requests.length]).toEqual([6, 1]);
  const third = await atlas("run", "Why?", "--model", "openai/priced", "--max-cost", "5").ended;
  expect([third.code, third.err]).toEqual([0, expect.stringContaining("Resuming")]);
});

it("a budget of the day is kept over processes, and atlas budgets shows it (acceptance 15)", async () => {
  writeFileSync(join(directory, "atlas.toml"), `${prices}[budgets.day]\nmaxCostUsd = 0.5\n`);
  server.answer(format.answer("text"));
  const first = await atlas("run", "Why?", "--model", "openai/priced", "--json").ended;
  expect(first.code, first.err).toBe(0);
  const { costMicroUsd } = json(first.out);
  const shown = json((await atlas("budgets", "--json").ended).out);
  expect(shown["budgets"]).toMatchObject([
    { scope: "day", spent: { costMicroUsd }, left: { costMicroUsd: 500_000 - Number(costMicroUsd) } },
    { scope: "total", spent: { costMicroUsd } },
  ]);
  writeFileSync(join(directory, "atlas.toml"), `${prices}[budgets.day]\nmaxCostUsd = 0.000001\n`);
  const second = await atlas("run", "Again?", "--model", "openai/priced", "--json").ended;
  expect([second.code, second.out]).toEqual([6, expect.stringContaining("budget_exceeded")]);
  expect(server.requests.length).toBe(1);
});

it("a run of a tenant spends that tenant's budget, which atlas budgets shows", async () => {
  writeFileSync(join(directory, "atlas.toml"), `${prices}[tenants.acme.budgets.total]\nmaxCostUsd = 0.5\n`);
  server.answer(format.answer("text"));
  const first = await atlas("run", "Why?", "--model", "openai/priced", "--tenant", "acme", "--json").ended;
  expect(first.code, first.err).toBe(0);
  const { costMicroUsd } = json(first.out);
  const shown = json((await atlas("budgets", "--json").ended).out);
  expect(shown["budgets"]).toMatchObject([
    { tenant: null, scope: "day", spent: { costMicroUsd }, left: { costMicroUsd: null } },
    { tenant: null, scope: "total" },
    { tenant: "acme", scope: "day" },
    { tenant: "acme", scope: "total", left: { costMicroUsd: 500_000 - Number(costMicroUsd) } },
  ]);
  expect(shown["spent"]).toMatchObject([{ tenant: "acme", label: "openai/priced", costMicroUsd }]);
  const text = (await atlas("budgets").ended).out;
  expect(text).toMatch(/^In all, acme: \d+ tokens, .* left$/m);
  expect(text).toMatch(/^[\d-]{10} acme openai\/priced: /m);
  const wrong = await atlas("run", "Why?", "--tenant", "a/b").ended;
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('The tenant "a/b" is no name')]);
});

it("checks keys without generating, and names what is wrong without the key (acceptance 27)", async () => {
  server.answer({
    status: 401,
    headers: { "content-type": "application/json" },
    chunks: ['{"error":{"message":"no"}}'],
  });
  const { code, out } = await atlas("providers", "check", "openai", "--json").ended;
  expect(code).toBe(3);
  expect(json(out)["checked"]).toMatchObject([{ provider: "openai", ok: false, code: "provider_authentication" }]);
  expect(out).not.toContain("canary");
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /v1/models"]);
});

it("compares models on standard prompts, with a judge and a page", async () => {
  writeFileSync(join(directory, "atlas.toml"), prices);
  server.answer(format.answer("text"));
  const page = join(directory, "page.html");
  const argv = ["bench", "providers", "openai/priced", "offline/extractive", "--judge", "openai/judge", "-r", "1"];
  const { code, out, err } = await atlas(...argv, "-p", "facts", "-p", "order", "--html", page, "--json").ended;
  expect([code, err]).toEqual([0, expect.stringContaining("2 prompts, 1 round")]);
  const { models, judge } = json(out) as { models: { model: string; calls: number }[]; judge: string };
  expect([models.map(({ model }) => model).toSorted(), judge]).toEqual([
    ["offline/extractive", "openai/priced"],
    "openai/judge",
  ]);
  expect(readFileSync(page, "utf8")).toContain("<h1>Comparison of models</h1>");
});

it("compares nothing, and spends nothing, when the page cannot be written or the rounds are none", async () => {
  server.answer(format.answer("text"));
  const bench = ["bench", "providers", "openai/a", "-p", "facts", "-r"];
  const page = await atlas(...bench, "1", "--html", join(directory, "nowhere", "page.html"), "--json").ended;
  expect([page.code, json(page.out)]).toMatchObject([2, { error: { code: "usage", message: containing("--html") } }]);
  const rounds = await atlas(...bench, "0").ended;
  expect([rounds.code, rounds.err]).toEqual([2, expect.stringContaining("--rounds")]);
  expect(server.requests.length).toBe(0);
});

it("compares a model that is named twice once, and says that the judge failed", async () => {
  server.answer((request) =>
    modelOf(request) === "judge" ? { status: 401, headers: {}, chunks: ["{}"] } : format.answer("text"),
  );
  const argv = ["bench", "providers", "openai/a", "openai/a", "-r", "1", "-p", "facts", "--judge", "openai/judge"];
  const { code, out, err } = await atlas(...argv).ended;
  expect([code, out.split("\n").filter((row) => row.startsWith("openai/a")).length]).toEqual([0, 1]);
  expect(err).toContain("openai/judge graded 0 of 1 answer: provider_authentication (1)");
});

it("tells a key that was refused from a name that is wrong, a host that is away and a list that there is not", async () => {
  const endpoint = '{ request = { body = { q = "${prompt}" } }, response = { stream = "text" } }';
  writeFileSync(
    join(directory, "atlas.toml"),
    `[providers.away]\nkind = "openai-compatible"\nbaseUrl = "http://127.0.0.1:9/v1"\n` +
      `[providers.listless]\nkind = "custom"\nbaseUrl = "http://127.0.0.1:9"\nendpoint = ${endpoint}\n`,
  );
  const check = async (name: string) => {
    const { code, out } = await atlas("providers", "check", name, "--json").ended;
    const { checked, error } = json(out) as { checked?: [{ code: string }]; error?: { code: string } };
    return [code, checked?.[0].code ?? error?.code];
  };
  expect(await Promise.all(["nowhere", "away", "listless"].map(check))).toEqual([
    [2, "provider_unknown"],
    [1, "provider_unreachable"],
    [0, "provider_unsupported"],
  ]);
});

it("gives up a provider that takes the connection and says nothing, after seconds (acceptance 27)", async () => {
  server.answer(format.answer("silent"));
  const began = performance.now();
  const { code, out } = await atlas("providers", "check", "openai", "--json").ended;
  expect([code, json(out)["checked"]]).toMatchObject([1, [{ provider: "openai", code: "provider_timeout" }]]);
  expect(performance.now() - began).toBeLessThan(10_000);
}, 15_000);

it("lists what the settings add: providers without a list of models, and groups, with what is wrong with them", async () => {
  const broken = '{ request = { body = { q = "${promt}" } }, response = { stream = "text" } }';
  writeFileSync(
    join(directory, "atlas.toml"),
    `[providers.gateway]\nkind = "openai-compatible"\nbaseUrl = "http://127.0.0.1:9/v1"\n` +
      `[providers.team]\nkind = "custom"\nbaseUrl = "http://127.0.0.1:9"\nendpoint = ${broken}\n` +
      `[groups.fast]\nmembers = ["openai/a", "gateway/b"]\n[groups.wrong]\nmembers = ["nowhere/a"]\n`,
  );
  const { code, out } = await atlas("providers", "--json").ended;
  const { candidates, groups } = json(out) as { candidates: { provider: string }[]; groups: object[] };
  expect([code, candidates.filter(({ provider }) => ["gateway", "team"].includes(provider)), groups]).toMatchObject([
    0,
    [
      { provider: "gateway", usable: true, model: null },
      { provider: "team", usable: false, problem: containing("${promt}") },
    ],
    [
      { group: "fast", usable: true, members: ["openai/a", "gateway/b"] },
      { group: "wrong", usable: false, problem: containing("nowhere") },
    ],
  ]);
  const { out: text } = await atlas("providers").ended;
  expect(text).toContain("ok group:fast: openai/a, gateway/b by failover");
  const { out: doctor } = await atlas("doctor").ended;
  expect(doctor).toMatch(/fail group:wrong +The group wrong cannot be made: There is no provider named "nowhere"/);
});

it("finds models by what they must do, and says why others do not fit", async () => {
  const { code, out } = await atlas("providers", "find", "--task", "code", "--needs", "images", "--json").ended;
  const { matches, rejected } = json(out) as { matches: { model: string }[]; rejected: { model: string }[] };
  expect([code, matches.map(({ model }) => model)]).toEqual([0, ["openai/gpt-5.4-mini"]]);
  expect(rejected).toEqual([{ model: "offline/extractive", reason: "does not take image/png" }]);
});
