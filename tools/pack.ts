// Packs the package, checks the tarball with publint and attw, and uses it from an empty folder as a user would.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { root, run, runSteps } from "./lib/process.ts";

const folder = await mkdtemp(join(tmpdir(), "atlas-pack-"));
try {
  const packed = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]);
  if (packed.exitCode !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  const { name, version, exports } = z
    .object({ name: z.string(), version: z.string(), exports: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const tarball = join(folder, `${name}-${version}.tgz`);
  const user = await mkdtemp(join(folder, "user-"));
  await writeFile(join(user, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const subpaths = Object.keys(exports).filter((path) => !path.includes("*") && path !== "./package.json");
  const imports = subpaths.map((path) => `await import(${JSON.stringify(name + path.slice(1))});`).join("\n");
  await writeFile(join(user, "all.mjs"), imports);
  // A whole check is done in a thread: its entry is found by its place in dist.
  await writeFile(
    join(user, "thread.mjs"),
    `import { sqlite } from "${name}/storage/sqlite";
await using database = await sqlite({ path: ${JSON.stringify(join(user, "atlas.db"))} });
if ((await database.check()).problems.length > 0) process.exitCode = 1;`,
  );
  const npm = ["--prefix", user, "--no-audit", "--no-fund", "--prefer-offline"];
  const failed = await runSteps([
    { name: "publint", command: "publint", args: [tarball, "--strict"] },
    { name: "attw", command: "attw", args: [tarball, "--profile", "esm-only", "--no-emoji"] },
    { name: "install into an empty folder", command: "npm", args: ["install", ...npm, tarball] },
    { name: "import every subpath", command: "node", args: [join(user, "all.mjs")] },
    { name: "check a database in its thread", command: "node", args: [join(user, "thread.mjs")] },
    { name: "atlas --version", command: "node", args: [join(user, "node_modules", name, "bin/atlas.js"), "--version"] },
  ]);
  if (failed.length > 0) {
    console.log(`pack: failed: ${failed.join(", ")}`);
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
