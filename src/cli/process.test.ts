import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAtlas } from "../app/index.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-process-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

// Tells when the standard input is read first.
const reading = `data:text/javascript,${encodeURIComponent(
  `import process from "node:process";
   const { stdin } = process;
   const read = stdin.read.bind(stdin);
   let told = false;
   stdin.read = (size) => {
     if (!told) console.error("reading");
     told = true;
     return read(size);
   };`,
)}`;

function start(argv: readonly string[], nodeOptions: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeOptions, main, ...argv], {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory, OLLAMA_HOST: "127.0.0.1:9" },
  });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; err: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, err }));
  });
  return { child, ended };
}

/** Writes an agent whose tool waits for ever. */
function writeSlowAgent(): void {
  writeFileSync(
    join(directory, "slow.ts"),
    `import { agent } from ${JSON.stringify(new URL("../agents/index.ts", import.meta.url).href)};
import { tool } from ${JSON.stringify(new URL("../tools/index.ts", import.meta.url).href)};
import { scripted } from ${JSON.stringify(new URL("../providers/index.ts", import.meta.url).href)};
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
const wait = tool({ name: "wait", input: z.object({}), run: (_, { signal }) => new Promise((_, reject) => {
  const alive = setInterval(() => {}, 1000);
  signal.addEventListener("abort", () => { clearInterval(alive); reject(signal.reason); }, { once: true });
}) });
export const slow = agent({ name: "slow", model: scripted([{ toolCalls: [{ name: "wait", input: {} }] }]), tools: [wait] });
`,
  );
  writeFileSync(join(directory, "atlas.toml"), 'modules = ["slow.ts"]\n');
}

test("reads the goal from a pipe and writes whole JSON to one", async () => {
  const { child, ended } = start(["run", "-", "--json"]);
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.end("What is this?");
  expect((await ended).code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ status: "completed", model: "offline/extractive" });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "ends at the first %s with %i while it waits for the goal on the standard input",
  async (signal, exitCode) => {
    const { child, ended } = start(["run", "-"], ["--import", reading]);
    child.stderr.once("data", () => child.kill(signal));
    expect(await ended).toEqual({ code: exitCode, err: "reading\n" });
  },
);

test("ends without a word when its reader goes away", async () => {
  const { child, ended } = start(["config", "explain", "--json"]);
  child.stdout.destroy();
  const { code, err } = await ended;
  expect([code, err]).toEqual([0, ""]);
});

test.runIf(existsSync("/dev/full"))(
  "says in one sentence that its output cannot be written, and ends with 1",
  async () => {
    for (const argv of [["config", "explain"], ["--help"], ["run", "What?", "--json"]]) {
      const child = spawn(process.execPath, [main, ...argv], {
        cwd: directory,
        env: { PATH: process.env["PATH"], HOME: directory, OLLAMA_HOST: "127.0.0.1:9" },
        stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
      });
      let err = "";
      child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
      const code = await new Promise((resolve) => child.on("close", resolve));
      expect([code, err.match(/The output cannot be written \(ENOSPC\).*\n$/g)?.length, /^\s+at /m.test(err)]).toEqual([
        1,
        1,
        false,
      ]);
    }
  },
);

const script = "/usr/bin/script";

test.runIf(process.platform === "linux" && existsSync(script)).each([
  ["xterm", {}, true],
  ["xterm", { NO_COLOR: "1" }, false],
  ["dumb", {}, false],
  ["dumb", { FORCE_COLOR: "1" }, false],
])("on a terminal of the kind %s with %j it is %s that escape codes are written", (TERM, more, colours) => {
  const command = `'${process.execPath}' '${main}' config explain model`;
  const { stdout } = spawnSync(script, ["-qec", command, "/dev/null"], {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory, TERM, ...more },
    encoding: "utf8",
    input: "",
  });
  expect(stdout).toContain("model");
  expect(stdout.includes("\u001B")).toBe(colours);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("keeps the run at %s and ends with %i", async (signal, exitCode) => {
  writeSlowAgent();
  const { child, ended } = start(["run", "Wait", "--agent", "slow"]);
  let seen = "";
  child.stderr.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.includes("→ wait") && !child.killed) child.kill(signal);
  });
  const { code, err } = await ended;
  expect(err).toMatch(/is kept\. Take it up with: atlas runs resume run_/);
  expect(code).toBe(exitCode);
});

test("a cancel that waits for a run of a process that stands still ends at the first Ctrl-C, and stays asked for", async () => {
  writeSlowAgent();
  const owner = start(["run", "Wait", "--agent", "slow"]);
  let seen = "";
  await new Promise<void>((resolve) => {
    owner.child.stderr.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes("→ wait")) resolve();
    });
  });
  owner.child.kill("SIGSTOP");
  try {
    await using atlas = await createAtlas({ directory, environment: { OLLAMA_HOST: "127.0.0.1:9" }, recover: false });
    const [record] = await atlas.runs.list();
    const { child, ended } = start(["runs", "cancel", record?.id ?? ""]);
    const run = await atlas.runs.open(record?.id ?? "");
    for await (const { type } of run.events()) if (type === "run.cancel_asked") break;
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, err: "" });
    owner.child.kill("SIGCONT");
    await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
    expect((await owner.ended).code).toBe(7);
  } finally {
    owner.child.kill("SIGKILL");
  }
});

test("the command runs the sources of a checkout and what was built of a package", async () => {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  write("package.json", '{ "type": "module" }');
  write("src/cli/main.ts", "export const main = async (_: readonly string[]): Promise<number> => 41;\n");
  write("dist/cli/main.js", "export const main = async () => 42;\n");
  write("bin/atlas.js", readFileSync(new URL("../../bin/atlas.js", import.meta.url), "utf8"));
  const exitCode = (): number | null => spawnSync(process.execPath, [join(directory, "bin/atlas.js")]).status;
  expect(exitCode()).toBe(42);
  write("tsconfig.json", "{}");
  expect(exitCode()).toBe(41);
});
