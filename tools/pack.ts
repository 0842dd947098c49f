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
  const {
    name,
    version,
    exports,
    peerDependenciesMeta: optional,
  } = z
    .object({
      name: z.string(),
      version: z.string(),
      exports: z.record(z.string(), z.unknown()),
      peerDependenciesMeta: z.record(z.string(), z.unknown()),
    })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const tarball = join(folder, `${name}-${version}.tgz`);
  const user = await mkdtemp(join(folder, "user-"));
  await writeFile(join(user, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const subpaths = Object.keys(exports).filter((path) => !path.includes("*") && path !== "./package.json");
  await writeFile(
    join(user, "all.mjs"),
    importing(
      subpaths.map((path) => name + path.slice(1)),
      Object.keys(optional),
    ),
  );
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

/** Writes a program that imports all paths; one may ask for an optional peer that is not there, and for nothing else. */
function importing(paths: readonly string[], peers: readonly string[]): string {
  return `for (const path of ${JSON.stringify(paths)}) {
  await import(path).catch((error) => {
    const isPeer = ${JSON.stringify(peers)}.some((peer) => error.message.includes(\`'\${peer}'\`));
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !isPeer) throw error;
  });
}`;
}
