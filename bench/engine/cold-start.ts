import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../lib/harness.ts";

const root = new URL("../../", import.meta.url);
const rounds = 11;

/** Is what a process that does one run of ten steps needs, from nothing. */
export interface ColdStart {
  /** From the start of the process to its first durable step, with a new database. */
  readonly coldMs: number;
  /** The resident set of the process after its run. */
  readonly rssMb: number;
}

/** Measures what `npm run build` made of the sources; it builds first. */
export async function measureColdStart(): Promise<ColdStart> {
  await ended(
    spawn(process.execPath, ["tools/build.ts"], { cwd: fileURLToPath(root), stdio: ["ignore", "ignore", "inherit"] }),
  );
  const folder = await mkdtemp(join(tmpdir(), "atlas-cold-"));
  try {
    const script = join(folder, "cold.mjs");
    await writeFile(script, source);
    const starts: ColdStart[] = [];
    for (let round = 0; round <= rounds; round++) {
      const start = await startOnce(script, join(folder, `${round}.db`));
      if (round > 0) starts.push(start);
    }
    return { coldMs: median(starts.map(({ coldMs }) => coldMs)), rssMb: median(starts.map(({ rssMb }) => rssMb)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const source = `import { readFileSync } from "node:fs";
import { createRuns, workflow } from "${new URL("dist/runs/index.js", root).href}";
import { sqlite } from "${new URL("dist/storage/adapters/sqlite.js", root).href}";
await using database = await sqlite({ path: process.argv[2] });
await using runs = await createRuns({ database });
const ten = workflow({
  name: "ten",
  run: async (context) => {
    for (let index = 0; index < 10; index++) {
      await context.step("step", () => ({ index, ok: true }));
      if (index === 0) process.stdout.write("step\\n");
    }
  },
});
await (await runs.start(ten, null)).result();
process.stdout.write(readFileSync("/proc/self/status", "utf8").match(/VmRSS:\\s+(\\d+)/)[1]);
`;

async function startOnce(script: string, database: string): Promise<ColdStart> {
  const begin = performance.now();
  const child = spawn(process.execPath, [script, database], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  let coldMs = Number.NaN;
  child.stdout.on("data", (chunk: Buffer) => {
    if (text === "") coldMs = performance.now() - begin;
    text += chunk.toString();
  });
  await ended(child);
  return { coldMs, rssMb: Number(text.split("\n")[1]) / 1_024 };
}

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`A process of the bench ended with ${String(code)}.`));
    });
  });
}
