// Builds dist from src with tsc alone, from nothing, so that no file of an earlier build is left.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root, run } from "./lib/process.ts";

await rm(join(root, "dist"), { recursive: true, force: true });
const done = await run("tsc", ["-p", "tsconfig.build.json"], { show: true });
process.exitCode = done.exitCode;
