// Builds dist from src with tsc alone, from nothing, so that no file of an earlier build is left.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root, run } from "./lib/process.ts";

await rm(join(root, "dist"), { recursive: true, force: true });
const done = await run("tsc", ["-p", "tsconfig.build.json"], { show: true });
// For each file that it loads, Node reads the nearest package.json anew, all its exports with it: this one is short.
if (done.exitCode === 0)
  await writeFile(join(root, "dist/package.json"), '{ "type": "module", "sideEffects": false }\n');
process.exitCode = done.exitCode;
