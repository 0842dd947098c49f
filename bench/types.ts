import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { alternate, timeMs } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { untyped, writeProgram } from "./types/program.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const count = 200;
const rounds = 5;

/** Has tsc check one program twice: with the types of the package, and with `any` in their place. */
export async function run(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-bench-types-"));
  try {
    const program = writeProgram(count);
    writeProject(join(folder, "typed"), program);
    writeProject(join(folder, "untyped"), program);
    writeProject(join(folder, "annotated"), writeProgram(count, "annotated"));
    buildTypes(join(folder, "typed/node_modules/atlas-agents"));
    for (const name of ["untyped", "annotated"])
      writePackage(join(folder, name, "node_modules/atlas-agents"), { "index.d.ts": untyped });
    const check = (name: string) => async () => await timeMs(() => checkProgram(join(folder, name)));
    const subjects = { typed: check("typed"), untyped: check("untyped"), annotated: check("annotated") };
    const found = await alternate(subjects, rounds);
    return {
      metrics: {
        typed_ms: found.typed,
        untyped_ms: found.untyped,
        annotated_ms: found.annotated,
        lines: program.split("\n").length,
        typed_files: filesOf(join(folder, "typed")),
        untyped_files: filesOf(join(folder, "untyped")),
      },
      ratios: {
        typed_vs_untyped: found.typed / found.untyped,
        typed_vs_annotated: found.typed / found.annotated,
      },
      notes: [
        `${count} tools, ${count} agents and ${count} graphs, whose types are all inferred; wall time of tsc --noEmit, median of ${rounds}.`,
        "untyped: the same text; the package's exports are any, so that its declarations are not read, and no schema is ever turned into a type.",
        "annotated: as untyped, but callbacks and results have their types written by hand, from the schemas (z.output): what the schema library costs by itself.",
        "Left out: editors, which check one file again and again, and declarations that a user's program emits.",
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeProject(folder: string, program: string): void {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "program.ts"), program);
  const compilerOptions = {
    target: "es2025",
    module: "nodenext",
    strict: true,
    // The callbacks of an untyped program have parameters that nobody gave a type.
    noImplicitAny: false,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    lib: ["es2025", "esnext.disposable", "esnext.array"],
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
}

/** Puts the package there as users have it: declarations alone. */
function buildTypes(folder: string): void {
  writePackage(folder, {});
  const options = ["--emitDeclarationOnly", "--declarationMap", "false", "--sourceMap", "false"];
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", folder, ...options], {
    stdio: "pipe",
  });
}

function writePackage(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: "atlas-agents", type: "module", exports: { ".": { types: "./index.d.ts" } } };
  const all = { "package.json": JSON.stringify(manifest), ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function checkProgram(folder: string): void {
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The program in ${folder} has errors:\n${stdout.slice(0, 2_000)}`);
}

function filesOf(folder: string): number {
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--listFilesOnly"], { encoding: "utf8" });
  return stdout.trim().split("\n").length;
}
