import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));

/** Sees to it that the peers named in bench/package.json are installed there. Cost: an install with npm when one is missing. */
export async function installPeers(): Promise<void> {
  if (areInstalled()) return;
  console.error("Installing the peers of the benches into bench/node_modules …");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline"];
  // What two peers ask of a third differs; each is measured with the version that is named.
  args.push("--legacy-peer-deps");
  const child = spawn("npm", args, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`npm install in ${folder} ended with ${String(code)}.`);
}

function areInstalled(): boolean {
  const { dependencies } = readJson("package.json") as { dependencies: Readonly<Record<string, string>> };
  return Object.entries(dependencies).every(([name, version]) => {
    try {
      return (
        (readJson(`node_modules/${name}/package.json`) as { version: string }).version === version.split("@").at(-1)
      );
    } catch {
      return false;
    }
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(`${folder}/${path}`, "utf8"));
}
