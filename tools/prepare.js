// Runs after `npm ci` in a checkout: builds dist, so that `npx atlas` starts at once. Plain JavaScript, because it must also
// end quietly where the build cannot run: an install without development packages, or without their install scripts.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const major = Number(process.versions.node.split(".")[0]);

if (!existsSync(at("../node_modules/typescript/package.json"))) {
  console.error("prepare: no TypeScript here, so dist is not built.");
} else if (major < 24) {
  console.error(`prepare: Node ${process.versions.node} is too old to build with, so dist is not built.`);
} else {
  process.exitCode = spawnSync(process.execPath, [at("build.ts")], { stdio: "inherit" }).status ?? 1;
}
