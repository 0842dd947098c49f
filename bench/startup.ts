// Measures what a user waits and pays for before anything happens: the start of the command, an import, the install.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchResult } from "./lib/harness.ts";
import { alternate, timeMs } from "./lib/harness.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = 11;

/** Measures the packed and installed package, so dist must be what `npm run build` made of the sources; it builds first. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-startup-"));
  try {
    await must("node", ["tools/build.ts"], root);
    const user = await install(folder);
    const command = join(user, "node_modules/atlas-agents/bin/atlas.js");
    const importer = join(user, "import.mjs");
    const nothing = join(user, "nothing.mjs");
    const printRss = "process.stdout.write(String(process.memoryUsage.rss()));";
    await writeFile(nothing, "");
    await writeFile(importer, 'await import("atlas-agents");');
    await writeFile(join(user, "rss-import.mjs"), `await import("atlas-agents"); ${printRss}`);
    await writeFile(join(user, "rss-nothing.mjs"), printRss);

    const wall = await alternate(
      {
        node: () => timeMs(() => must("node", ["-e", "0"], user)),
        help: () => timeMs(() => must("node", [command, "--help"], user)),
        nothing: () => timeMs(() => must("node", [nothing], user)),
        import: () => timeMs(() => must("node", [importer], user)),
      },
      rounds,
    );
    const memory = await alternate(
      { nothing: () => rssMb(join(user, "rss-nothing.mjs")), import: () => rssMb(join(user, "rss-import.mjs")) },
      rounds,
    );
    return {
      metrics: {
        node_ms: wall.node,
        help_ms: wall.help,
        import_ms: wall.import,
        import_rss_mb: memory.import - memory.nothing,
        install_mb: (await sizeBytes(join(user, "node_modules"))) / 1e6,
      },
      ratios: { help_vs_node: wall.help / wall.node, import_vs_node: wall.import / wall.nothing },
      notes: [
        `Wall time of whole processes, medians of ${rounds} alternating rounds, files in the page cache.`,
        "install_mb is the sum of the sizes of all files in node_modules after an install of the tarball alone, in 10^6 bytes.",
        "Left out: a first start after boot, Windows and macOS.",
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function install(folder: string): Promise<string> {
  await must("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], root);
  const tarball = (await readdir(folder)).find((file) => file.endsWith(".tgz")) ?? "";
  const user = await mkdtemp(join(folder, "user-"));
  await writeFile(join(user, "package.json"), JSON.stringify({ private: true }));
  await must("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", join(folder, tarball)], user);
  return user;
}

/** Runs a command to its end. `node` is the very Node that runs the bench, without a shell or a shim between. */
function must(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command === "node" ? process.execPath : command, args, {
      cwd,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${stderr}`));
    });
  });
}

function rssMb(script: string): number {
  return Number(spawnSync(process.execPath, [script], { encoding: "utf8" }).stdout) / 1e6;
}

async function sizeBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
