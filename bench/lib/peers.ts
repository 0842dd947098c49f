import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));

/** Sees to it that the peers named in bench/package.json are installed there. Cost: an install with npm on the first use. */
export async function installPeers(): Promise<void> {
  if (existsSync(`${folder}/node_modules/.package-lock.json`)) return;
  console.error("Installing the peers of the benches into bench/node_modules …");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline"];
  const child = spawn("npm", args, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`npm install in ${folder} ended with ${String(code)}.`);
}
